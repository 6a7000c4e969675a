/**
 * Bytes between a session's channel and its child.
 *
 * @module
 */
import type { OutputName, SshChannel } from "./transport/ssh_channel.ts";

/** As much as a pipe of Linux holds, pipe(7). */
const PIECE_BYTES = 64 * 1024;

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
  const reader = readerOf(source);
  // A broken pipe is the end of the output, for whatever reason.
  const giveUp = () => void reader.cancel().catch(() => {});
  channel.signal.addEventListener("abort", giveUp, { once: true });
  if (channel.signal.aborted) giveUp();
  try {
    for (let bytes = await reader.read(); bytes !== undefined; bytes = await reader.read()) {
      if (await channel.write(bytes, output)) continue;
      await reader.cancel();
      return false;
    }
    return !channel.signal.aborted;
  } finally {
    channel.signal.removeEventListener("abort", giveUp);
  }
}

interface PieceReader {
  /** `undefined` at the end. The bytes are overwritten by the next read. */
  read(): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/** Pipes are read into the same memory again and again: a new buffer for each piece costs as much as reading it. */
function readerOf(source: ReadableStream<Uint8Array>): PieceReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = source.getReader({ mode: "byob" });
  } catch {
    // A terminal gives pieces of its own.
    const plain = source.getReader();
    return { read: async () => (await plain.read()).value, cancel: () => plain.cancel() };
  }
  let memory = new ArrayBuffer(PIECE_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(memory));
      if (value !== undefined) memory = value.buffer;
      return done ? undefined : value;
    },
    cancel: () => reader.cancel(),
  };
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
