/**
 * Bytes between a session's channel and its child.
 *
 * @module
 */
import type { OutputName, SshChannel } from "./transport/ssh_channel.ts";

/**
 * Sends what a child writes until nobody holds the stream any more. When the client goes first, the stream is given up, and
 * whoever still writes gets SIGPIPE.
 *
 * @returns Whether everything was sent.
 */
export async function sendOutput(
  source: ReadableStream<Uint8Array>,
  channel: SshChannel,
  output: OutputName = "stdout",
): Promise<boolean> {
  const reader = source.getReader();
  // A broken pipe is the end of the output, for whatever reason.
  const giveUp = () => void reader.cancel().catch(() => {});
  channel.signal.addEventListener("abort", giveUp, { once: true });
  if (channel.signal.aborted) giveUp();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return !channel.signal.aborted;
      if (await channel.write(value, output)) continue;
      await reader.cancel();
      return false;
    }
  } finally {
    channel.signal.removeEventListener("abort", giveUp);
  }
}

/**
 * Gives a child what the client sends; the client's end of input, or its leaving, is the child's end of input, after
 * everything that was sent before. Resolves when there is nothing more to give, or the child takes nothing more. Never
 * rejects.
 *
 * @param until The child's end.
 */
export async function feedInput(
  channel: SshChannel,
  sink: WritableStream<Uint8Array>,
  until: AbortSignal,
): Promise<void> {
  const reader = channel.input.getReader();
  const writer = sink.getWriter();
  // A child that has closed its input takes nothing more; that is its right.
  writer.closed.catch(() => {});
  const stop = () => {
    reader.cancel().catch(() => {}); // The channel is gone.
    writer.abort().catch(() => {}); // It is closed.
  };
  until.addEventListener("abort", stop, { once: true });
  if (until.aborted) stop();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) await writer.write(part.value);
    await writer.close();
  } catch {
    // The child has closed its input: what the client still sends is dropped.
    await reader.cancel().catch(() => {});
  }
  until.removeEventListener("abort", stop);
}
