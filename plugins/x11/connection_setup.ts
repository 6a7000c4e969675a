/**
 * The first thing an X program says: which byte order it speaks, and the cookie it has.
 *
 * @module
 */

/** What a program showed. */
export interface ConnectionSetup {
  readonly protocol: string;
  readonly cookie: Uint8Array;
  /** Everything that was read, for whoever the connection goes on to. */
  readonly head: Uint8Array;
}

/** Bytes in front of the two strings. */
const FIXED_BYTES = 12;
/** Longest name or cookie taken, in bytes; the protocols in use have 18 and 16. */
const MAX_FIELD_BYTES = 1024;
/** First byte of a connection setup: `B` and `l`, for the order of bytes in numbers. */
const BIG_ENDIAN = 0x42;
const LITTLE_ENDIAN = 0x6c;

/** Reads it, and nothing behind it. @returns `undefined` when it is none, or the program hung up. */
export async function readConnectionSetup(
  connection: Pick<Deno.Conn, "read">,
): Promise<ConnectionSetup | undefined> {
  const fixed = await readExactly(connection, FIXED_BYTES);
  if (fixed === undefined || (fixed[0] !== BIG_ENDIAN && fixed[0] !== LITTLE_ENDIAN)) return undefined;
  const view = new DataView(fixed.buffer);
  const [nameBytes, cookieBytes] = [6, 8].map((at) => view.getUint16(at, fixed[0] === LITTLE_ENDIAN)) as [
    number,
    number,
  ];
  if (nameBytes > MAX_FIELD_BYTES || cookieBytes > MAX_FIELD_BYTES) return undefined;
  const rest = await readExactly(connection, padded(nameBytes) + padded(cookieBytes));
  if (rest === undefined) return undefined;
  const head = new Uint8Array(fixed.length + rest.length);
  head.set(fixed);
  head.set(rest, fixed.length);
  return {
    protocol: new TextDecoder().decode(rest.subarray(0, nameBytes)),
    cookie: rest.subarray(padded(nameBytes), padded(nameBytes) + cookieBytes),
    head,
  };
}

/** What an X server answers to a program it does not let in; `head` is what the program said. */
export function refusal(reason: string, head: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(reason);
  const answer = new Uint8Array(8 + padded(text.length));
  const view = new DataView(answer.buffer);
  const isLittle = head[0] === LITTLE_ENDIAN;
  answer[1] = text.length;
  view.setUint16(2, 11, isLittle);
  view.setUint16(6, padded(text.length) / 4, isLittle);
  answer.set(text, 8);
  return answer;
}

async function readExactly(
  connection: Pick<Deno.Conn, "read">,
  count: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = new Uint8Array(count);
  for (let read = 0; read < count;) {
    const more = await connection.read(bytes.subarray(read));
    if (more === null) return undefined;
    read += more;
  }
  return bytes;
}

/** Strings fill up whole words of four bytes. */
function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
