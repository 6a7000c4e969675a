/**
 * Terminal modes of a `pty-req`, read from the packet itself.
 *
 * @module
 */
import { FieldReader } from "../wire_fields.ts";

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
  const reader = new FieldReader(packet, 1);
  try {
    reader.uint32();
    if (reader.text() !== "pty-req") return undefined;
    reader.uint8();
    reader.text();
    for (let number = 0; number < 4; number++) reader.uint32();
    return decodeTerminalModes(reader.bytes());
  } catch {
    return undefined; // Shorter than it claims: the library refuses it.
  }
}

/** Reads pairs of opcode and value up to the end of the list; half a pair counts as the end. */
export function decodeTerminalModes(encoded: Uint8Array): TerminalModes {
  const modes = new Map<number, number>();
  const reader = new FieldReader(encoded);
  try {
    while (!reader.isAtEnd) {
      const opcode = reader.uint8();
      if (opcode === TTY_OP_END || opcode >= FIRST_UNDEFINED_OPCODE) break;
      modes.set(opcode, reader.uint32());
    }
  } catch {
    // Half a pair: what came before it counts.
  }
  return modes;
}
