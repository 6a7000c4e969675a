/**
 * Terminal modes of a `pty-req`, read from the packet itself.
 *
 * @module
 */

/** Values by opcode, RFC 4254 section 8. */
export type TerminalModes = ReadonlyMap<number, number>;

const CHANNEL_REQUEST = 98;
/** Ends the list. */
const TTY_OP_END = 0;
/** Opcodes from here on have arguments of unknown length and end the list. */
const FIRST_UNDEFINED_OPCODE = 160;

/**
 * The modes in a packet, or `undefined` when it is no well-formed `pty-req`.
 *
 * The library starts one byte too late in the list, reads the first argument's high byte as the end, and so never finds a
 * mode.
 */
export function terminalModesOf(packet: Uint8Array): TerminalModes | undefined {
  if (packet[0] !== CHANNEL_REQUEST) return undefined;
  const reader = new PacketReader(packet, 1);
  reader.uint32();
  if (reader.text() !== "pty-req") return undefined;
  reader.skip(1);
  reader.text();
  for (let number = 0; number < 4; number++) reader.uint32();
  const encoded = reader.bytes();
  return encoded === undefined ? undefined : decodeTerminalModes(encoded);
}

/** Reads pairs of opcode and value up to the end of the list; half a pair counts as the end. */
export function decodeTerminalModes(encoded: Uint8Array): TerminalModes {
  const modes = new Map<number, number>();
  const reader = new PacketReader(encoded, 0);
  while (true) {
    const opcode = reader.uint8();
    if (opcode === undefined || opcode === TTY_OP_END || opcode >= FIRST_UNDEFINED_OPCODE) return modes;
    const value = reader.uint32();
    if (value === undefined) return modes;
    modes.set(opcode, value);
  }
}

/** Reads the parts of a packet; after its end everything is `undefined`. */
class PacketReader {
  readonly #view: DataView;
  #at: number;

  constructor(readonly packet: Uint8Array, start: number) {
    this.#view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    this.#at = start;
  }

  skip(count: number): boolean {
    this.#at += count;
    return this.#at <= this.packet.length;
  }

  uint8(): number | undefined {
    return this.skip(1) ? this.packet[this.#at - 1] : undefined;
  }

  uint32(): number | undefined {
    return this.skip(4) ? this.#view.getUint32(this.#at - 4) : undefined;
  }

  bytes(): Uint8Array | undefined {
    const length = this.uint32();
    if (length === undefined || !this.skip(length)) return undefined;
    return this.packet.subarray(this.#at - length, this.#at);
  }

  text(): string | undefined {
    const bytes = this.bytes();
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }
}
