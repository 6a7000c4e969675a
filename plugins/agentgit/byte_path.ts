/**
 * File names as git has them: bytes, usually but not necessarily UTF-8.
 *
 * @module
 */

/** A path with one character (U+0000 to U+00FF) per byte, so that every name survives the way through a string. */
export type BytePath = string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads bytes as they are. */
export function bytePathFrom(bytes: Uint8Array): BytePath {
  let path = "";
  const step = 8192; // Far below the engine's limit on arguments of one call.
  for (let at = 0; at < bytes.length; at += step) path += String.fromCharCode(...bytes.subarray(at, at + step));
  return path;
}

/** The bytes of a path, for git's standard input and path lists. */
export function bytesOf(path: BytePath): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(path, (char) => char.charCodeAt(0));
}

/** A path of this process (UTF-8) in git's terms. */
export function bytePathOf(text: string): BytePath {
  return bytePathFrom(encoder.encode(text));
}

/** A path for people and for system calls; bytes that are not UTF-8 become U+FFFD. */
export function textOf(path: BytePath): string {
  return decoder.decode(bytesOf(path));
}

/** Joins paths to the NUL-separated list git reads. */
export function pathList(paths: Iterable<BytePath>): Uint8Array<ArrayBuffer> {
  return bytesOf([...paths].map((path) => `${path}\0`).join(""));
}

/** Letters of git's C-style quoting. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

/** Undoes git's C-style quoting. Text that is not in double quotes is returned as it is. */
export function unquote(text: BytePath): BytePath {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text;
  return text.slice(1, -1).replace(
    /\\(?:([0-7]{3})|(.))/g,
    (_, octal: string | undefined, letter: string) =>
      octal ? String.fromCharCode(parseInt(octal, 8)) : ESCAPES[letter] ?? letter,
  );
}

const NAMES = new Map(Object.entries(ESCAPES).map(([letter, char]) => [char, `\\${letter}`]));

/** Quotes a path as git does, if it holds control characters, quotes, backslashes or bytes above 127. */
export function quote(path: BytePath): string {
  // deno-lint-ignore no-control-regex
  const quoted = path.replace(/[\0-\x1f"\\\x7f-\xff]/g, (char) => NAMES.get(char) ?? octal(char));
  return quoted === path ? path : `"${quoted}"`;
}

function octal(char: string): string {
  return `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`;
}
