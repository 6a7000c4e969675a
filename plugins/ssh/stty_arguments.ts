/**
 * Terminal modes of SSH as arguments of stty(1), which applies them: nothing in the runtime does.
 *
 * @module
 */
import type { TerminalModes } from "./transport/terminal_modes.ts";

/** RFC 4254 section 8. Characters that neither Linux nor macOS both know are left out: stty(1) would refuse the whole list. */
const CHARACTERS: Readonly<Record<number, string>> = {
  1: "intr",
  2: "quit",
  3: "erase",
  4: "kill",
  5: "eof",
  6: "eol",
  7: "eol2",
  8: "start",
  9: "stop",
  10: "susp",
  12: "rprnt",
  13: "werase",
  14: "lnext",
};
const FLAGS: Readonly<Record<number, string>> = {
  30: "ignpar",
  31: "parmrk",
  32: "inpck",
  33: "istrip",
  34: "inlcr",
  35: "igncr",
  36: "icrnl",
  38: "ixon",
  39: "ixany",
  40: "ixoff",
  41: "imaxbel",
  42: "iutf8",
  50: "isig",
  51: "icanon",
  53: "echo",
  54: "echoe",
  55: "echok",
  56: "echonl",
  57: "noflsh",
  58: "tostop",
  59: "iexten",
  60: "echoctl",
  61: "echoke",
  70: "opost",
  72: "onlcr",
  73: "ocrnl",
  74: "onocr",
  75: "onlret",
  92: "parenb",
  93: "parodd",
};
const CHARACTER_SIZES: Readonly<Record<number, string>> = { 90: "cs7", 91: "cs8" };
const SPEEDS: Readonly<Record<number, string>> = { 128: "ispeed", 129: "ospeed" };
/** Speeds every system has. */
const KNOWN_SPEEDS: ReadonlySet<number> = new Set([1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200]);
/** Switches a character off, RFC 4254 section 8. */
const NO_CHARACTER = 255;

/** Arguments that set `modes`; what is unknown is left out. */
export function sttyArguments(modes: TerminalModes): string[] {
  return [...modes].flatMap(([opcode, value]) => {
    const character = CHARACTERS[opcode];
    if (character !== undefined) return [character, characterText(value)];
    const flag = FLAGS[opcode];
    if (flag !== undefined) return [value === 0 ? `-${flag}` : flag];
    const size = CHARACTER_SIZES[opcode];
    if (size !== undefined) return value === 0 ? [] : [size];
    const speed = SPEEDS[opcode];
    return speed !== undefined && KNOWN_SPEEDS.has(value) ? [speed, String(value)] : [];
  });
}

function characterText(value: number): string {
  if (value === 0 || value >= NO_CHARACTER) return "undef";
  if (value < 0x20) return `^${String.fromCharCode(value + 0x40)}`;
  if (value === 0x7f) return "^?";
  // A single digit is a character; more of them are its code.
  return value >= 100 ? String(value) : String.fromCharCode(value);
}
