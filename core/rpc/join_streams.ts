/**
 * Makes one connection of two.
 *
 * @module
 */
import type { ByteStream } from "./byte_stream.ts";

/**
 * Carries bytes both ways, each end of a direction on its own, until both have ended or one breaks. A slow reader slows its writer down.
 * Both streams belong to this function and are closed at the end. Never rejects: whoever uses the ends sees what happened.
 */
export async function joinStreams(one: ByteStream, other: ByteStream): Promise<void> {
  await Promise.all([carry(one, other), carry(other, one)]);
  one.close();
  other.close();
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
