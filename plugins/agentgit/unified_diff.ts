/**
 * Takes a unified diff apart into files and keeps it within bounds.
 *
 * @module
 */
import { format } from "@std/fmt/bytes";

import { type BytePath, bytePathFrom, quote, unquote } from "./byte_path.ts";

/** The part of a diff that is about one file. */
export interface FileDiff {
  /** Name of the file now; for a deleted one, its last name. */
  readonly path: BytePath;
  /** Whether git found the file under another name in the commit. */
  readonly isRename: boolean;
  /** All lines from `diff --git` on, or only the lines before the first hunk when {@linkcode isHeadOnly}. */
  readonly text: string;
  /** Bytes of the whole part. */
  readonly bytes: number;
  /** The part was too large, alone or together with the others, to be kept. */
  readonly isHeadOnly: boolean;
}

/** Starts the part of each file; no other line of a diff can start like this. */
const FILE_START = new TextEncoder().encode("diff --git ");
/** Extended headers and file names fit; paths are at most 4096 bytes, four times that when quoted, and appear six times. */
const MAX_HEAD_BYTES = 128 * 1024;
const NEWLINE = 10;

/** Collects a diff that arrives in pieces. Memory is bounded by `maxBytes` and the heads of the files that do not fit. */
export class DiffCollector {
  /** Files seen so far, in order. The last one appears when the next starts, or with {@linkcode end}. */
  readonly files: FileDiff[] = [];
  /** Bytes seen so far. */
  totalBytes = 0;
  readonly #maxBytes: number;
  readonly #accepts: (path: BytePath) => boolean;
  #keptBytes = 0;
  #current: { pieces: Uint8Array[]; kept: number; bytes: number } | undefined;
  /** Bytes that may be the start of a new file. The newline in front of the first file is made up. */
  #carry: Uint8Array = Uint8Array.of(NEWLINE);
  #isMadeUp = true;

  /**
   * @param maxBytes Most bytes of whole files kept.
   * @param accepts Says which files are kept. Default: all.
   */
  constructor(maxBytes: number, accepts: (path: BytePath) => boolean = () => true) {
    this.#maxBytes = maxBytes;
    this.#accepts = accepts;
  }

  /** Takes the next piece. */
  push(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.#carry.length + piece.length);
    bytes.set(this.#carry);
    bytes.set(piece, this.#carry.length);
    let from = 0;
    let newline = bytes.indexOf(NEWLINE);
    for (; newline >= 0; newline = bytes.indexOf(NEWLINE, newline + 1)) {
      if (newline + 1 + FILE_START.length > bytes.length) break;
      if (!startsFile(bytes, newline + 1)) continue;
      this.#append(bytes.subarray(from, newline + 1));
      this.#finishFile();
      this.#current = { pieces: [], kept: 0, bytes: 0 };
      from = newline + 1;
    }
    const undecided = newline >= 0 ? newline : bytes.length;
    this.#append(bytes.subarray(from, undecided));
    this.#carry = bytes.slice(undecided);
  }

  /** Ends the diff, or one of several diffs that are collected one after the other. */
  end(): void {
    this.#append(this.#carry);
    this.#finishFile();
    this.#carry = Uint8Array.of(NEWLINE);
    this.#isMadeUp = true;
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const real = this.#isMadeUp ? bytes.subarray(1) : bytes;
    this.#isMadeUp = false;
    this.totalBytes += real.length;
    const current = this.#current;
    if (!current) return; // Notes of git before the first file.
    current.bytes += real.length;
    const room = Math.max(this.#maxBytes - this.#keptBytes, MAX_HEAD_BYTES) - current.kept;
    if (room <= 0) return;
    const kept = real.slice(0, room);
    current.pieces.push(kept);
    current.kept += kept.length;
  }

  #finishFile(): void {
    const current = this.#current;
    this.#current = undefined;
    if (!current || current.bytes === 0) return;
    const isHeadOnly = current.bytes > this.#maxBytes - this.#keptBytes;
    const whole = new Uint8Array(current.kept);
    let at = 0;
    for (const piece of current.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    const file = fileDiffOf(whole, current.bytes, isHeadOnly);
    if (!this.#accepts(file.path)) return;
    if (!isHeadOnly) this.#keptBytes += current.bytes;
    this.files.push(file);
  }
}

function startsFile(bytes: Uint8Array, at: number): boolean {
  return FILE_START.every((byte, index) => bytes[at + index] === byte);
}

function fileDiffOf(bytes: Uint8Array, length: number, isHeadOnly: boolean): FileDiff {
  const head = headOf(bytes);
  const names = namesOf(bytePathFrom(head));
  const text = new TextDecoder().decode(isHeadOnly ? head : bytes);
  return { ...names, text, bytes: length, isHeadOnly };
}

/** Everything before the first hunk or binary patch. */
function headOf(bytes: Uint8Array): Uint8Array {
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (bytes[at + 1] === "@".charCodeAt(0)) return bytes.subarray(0, at + 1);
  }
  return bytes.subarray(0, MAX_HEAD_BYTES);
}

function namesOf(head: string): { path: BytePath; isRename: boolean } {
  const [first = "", ...others] = head.split("\n");
  const moved = others.find((line) => /^(?:rename|copy) to /.test(line));
  if (moved) return { path: unquote(moved.slice(moved.indexOf(" to ") + 4)), isRename: true };
  // Without a rename both names are the same, so the line is symmetrical: `a/NAME b/NAME`.
  const names = first.slice("diff --git ".length);
  const name = unquote(names.slice((names.length + 1) / 2));
  return { path: name.slice("b/".length), isRename: false };
}

/** One repository's diff, ready to be sent. */
export interface BoundedDiff {
  readonly text: string;
  /** Whether hunks of some files were left out. */
  readonly isTruncated: boolean;
}

/**
 * Joins files to one diff of at most `maxBytes`, not counting the heads of files that are left out. When some were, a line
 * in front says so; programs that read diffs skip lines before the first file.
 */
export function joinDiffs(files: readonly FileDiff[], maxBytes: number): BoundedDiff {
  let left = maxBytes;
  let omitted = 0;
  const texts = files.map((file) => {
    const isKept = !file.isHeadOnly && file.bytes <= left;
    if (isKept) left -= file.bytes;
    else omitted++;
    return isKept ? file.text : withoutHunks(file.text);
  });
  if (omitted === 0) return { text: texts.join(""), isTruncated: false };
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { text: `${tooLarge(totalBytes, omitted)}\n${texts.join("")}`, isTruncated: true };
}

/** What stands for a new file that is too large to be compared. */
export function headOnlyDiff(path: BytePath, bytes: number): FileDiff {
  const text = `diff --git ${quote(`a/${path}`)} ${quote(`b/${path}`)}\nnew file mode 100644\n`;
  return { path, isRename: false, text, bytes, isHeadOnly: true };
}

function withoutHunks(text: string): string {
  const hunk = text.indexOf("\n@@");
  return hunk < 0 ? text : text.slice(0, hunk + 1);
}

function tooLarge(totalBytes: number, omitted: number): string {
  const size = format(totalBytes, { binary: true });
  return `Total diff too large to show. Size: ${size}. Files without content: ${omitted}`;
}
