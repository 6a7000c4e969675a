/**
 * Cutting a byte stream into packets.
 *
 * @module
 */

/**
 * Longest packet taken, in bytes: what OpenSSH's server takes. The longest that clients send are writes, of which the limits
 * extension tells them the length.
 */
export const MAX_PACKET_BYTES = 256 * 1024;

/**
 * Yields each packet without its length. A packet is valid until the next one is asked for.
 *
 * @throws {SyntaxError} When a packet is empty or too long, or the stream ends within one.
 */
export async function* packetsOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    waiting.push(chunk);
    bytes += chunk.length;
    while (bytes >= 4) {
      const head = joined(waiting, 4);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
      if (length === 0 || length > MAX_PACKET_BYTES) throw new SyntaxError(`Cannot take a packet of ${length} bytes`);
      if (bytes < 4 + length) break;
      const all = joined(waiting, 4 + length);
      yield all.subarray(4, 4 + length);
      waiting = rest(waiting, 4 + length);
      bytes -= 4 + length;
    }
  }
  if (bytes > 0) throw new SyntaxError(`Cannot take a packet: the stream ended after ${bytes} bytes of it`);
}

/** The first `count` bytes in one piece; not copied when they are in one already. */
function joined(chunks: readonly Uint8Array<ArrayBuffer>[], count: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first !== undefined && first.length >= count) return first;
  const whole = new Uint8Array(count);
  let at = 0;
  for (const chunk of chunks) {
    if (at >= count) break;
    const part = chunk.subarray(0, count - at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function rest(chunks: readonly Uint8Array<ArrayBuffer>[], count: number): Uint8Array<ArrayBuffer>[] {
  let skip = count;
  const kept: Uint8Array<ArrayBuffer>[] = [];
  for (const chunk of chunks) {
    if (chunk.length > skip) kept.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return kept;
}
