/**
 * Makes one connection of two.
 *
 * @module
 */
import type { ByteStream } from "./byte_stream.ts";

/**
 * Carries bytes both ways, each end of a direction on its own, until both have ended or one breaks. A slow reader slows its writer down.
 * Both streams belong to this function and are closed at the end. Never rejects: whoever uses the ends sees what happened.
 *
 * A reader that stands still holds both, also when its writer has broken meanwhile: what it has not read is still there for it.
 *
 * @param stop Closes both at once.
 */
export async function joinStreams(one: ByteStream, other: ByteStream, stop?: AbortSignal): Promise<void> {
  const close = () => {
    one.close();
    other.close();
  };
  stop?.addEventListener("abort", close, { once: true });
  if (stop?.aborted) close();
  await Promise.all([carry(one, other), carry(other, one)]);
  stop?.removeEventListener("abort", close);
  close();
}

async function carry(from: ByteStream, to: ByteStream): Promise<void> {
  try {
    for (let bytes = await from.read(); bytes !== null; bytes = await from.read()) await to.write(bytes);
    await to.closeWrite();
  } catch (error) {
    const reason = error instanceof Error ? error : undefined;
    from.close(reason);
    to.close(reason);
  }
}
