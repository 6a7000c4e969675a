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
 * Gives a child what the client sends; the client's end of input, or its leaving, is the child's end of input. Resolves when
 * there is nothing more to give, or the child takes nothing more. Never rejects.
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
  const gone = new Promise<void>((resolve) => {
    const stop = AbortSignal.any([channel.signal, until]);
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve(), { once: true });
  });
  async function pump(): Promise<void> {
    for (let part = await reader.read(); !part.done; part = await reader.read()) await writer.write(part.value);
  }
  try {
    // What came in before the client left was meant for the child, but a child that does not read cannot hold this up.
    await Promise.race([pump(), gone]);
    if (channel.signal.aborted || until.aborted) await writer.abort();
    else await writer.close();
  } catch {
    // The child has closed its input: what the client still sends is dropped below.
  }
  await reader.cancel().catch(() => {});
}
