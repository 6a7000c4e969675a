/**
 * Records on disk, first in, first out, with a limit on their bytes.
 *
 * @module
 */
import { join } from "@std/path";

import { replaceFile } from "../../core/replace_file.ts";

/** Bytes in front of each record: its length and its checksum, both big-endian. */
const HEADER_BYTES = 8;
/** A file is closed and the next one begun beyond this size, in bytes: a file is removed when all of it was read. */
const SEGMENT_BYTES = 256 * 1024;
/** Number of the first file of an empty journal: later ones count up, what is put in front counts down. */
const FIRST_NUMBER = 50_000_000;
const SEGMENT_NAME = /^(\d{8})\.journal$/;
/** Says how much of which file was read when the journal was last closed. */
const POSITION_NAME = "position.json";

/** One file. */
interface Segment {
  readonly number: number;
  /** Bytes that hold whole records. */
  bytes: number;
}

/** What {@linkcode Journal.open} takes. */
export interface JournalOptions {
  /** Directory of its own; made with mode 0700 when it is missing. One journal per directory. */
  readonly directory: string;
  /** Most bytes kept, headers included. */
  readonly maxBytes: number;
}

/**
 * Survives the end of the process. Records are written without waiting for the disk: a power failure can lose the latest. What was read
 * when the process was killed is read again, at most one file's worth. Calls may overlap; they are carried out in their order.
 */
export class Journal {
  readonly #options: JournalOptions;
  /** Oldest first. The last one is written to. */
  readonly #segments: Segment[];
  /** Files whose end was not whole: a write was cut off. */
  readonly damaged: number;
  #tail: Deno.FsFile | undefined;
  #offset: number;
  #headRecord: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: JournalOptions, segments: Segment[], offset: number, damaged: number) {
    this.#options = options;
    this.#segments = segments;
    this.#offset = offset;
    this.damaged = damaged;
  }

  /** Opens a journal with what an earlier process left in it. @throws {Error} When the directory cannot be used. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { directory } = options;
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const segments: Segment[] = [];
    let damaged = 0;
    const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
    for (const name of names.sort()) {
      const number = Number(SEGMENT_NAME.exec(name)?.[1] ?? NaN);
      if (Number.isNaN(number)) continue;
      const content = await Deno.readFile(join(directory, name));
      const bytes = wholeRecords(content);
      if (bytes < content.length) damaged++;
      if (bytes > 0) segments.push({ number, bytes });
      else await Deno.remove(join(directory, name));
    }
    const position = await readPosition(directory);
    const [first] = segments;
    const isCurrent = first !== undefined && first.number === position.segment && position.offset <= first.bytes;
    const journal = new Journal(options, segments, isCurrent ? position.offset : 0, damaged);
    await journal.#dropRead();
    return journal;
  }

  /** Bytes kept, headers included. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0) - this.#offset;
  }

  /** Whether everything was read. */
  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  /** Adds a record at the end. Returns `false` when it would go over the limit. @throws {Error} When it cannot be written. */
  append(record: Uint8Array): Promise<boolean> {
    return this.#next(async () => {
      const bytes = withHeader(record);
      if (this.bytes + bytes.length > this.#options.maxBytes) return false;
      const file = this.#tail ??= await this.#begin((this.#segments.at(-1)?.number ?? FIRST_NUMBER - 1) + 1);
      const segment = this.#segments.at(-1)!;
      try {
        await writeAll(file, bytes);
      } catch (error) {
        // Half a record must not stand in front of whole ones.
        await file.truncate(segment.bytes).catch(() => {});
        this.#endTail();
        await this.#dropRead();
        throw error;
      }
      segment.bytes += bytes.length;
      if (segment.bytes >= SEGMENT_BYTES) this.#endTail();
      return true;
    });
  }

  /** Puts records in front of all others, in their order, as far as the limit allows. Returns how many were kept. */
  prepend(records: readonly Uint8Array[]): Promise<number> {
    return this.#next(async () => {
      let kept = 0;
      let total = this.bytes;
      while (kept < records.length) {
        total += HEADER_BYTES + records[kept]!.length;
        if (total > this.#options.maxBytes) break;
        kept++;
      }
      if (kept === 0) return 0;
      await this.#dropRead();
      // The read part of the present first file would be skipped no longer: it is cut off by writing the rest anew.
      const rest = this.#offset > 0
        ? (await this.#contentOf(this.#segments[0]!)).subarray(this.#offset)
        : new Uint8Array(0);
      const number = (this.#segments[0]?.number ?? FIRST_NUMBER) - 1;
      const content = concat([...records.slice(0, kept).map(withHeader), rest]);
      await replaceFile(this.#pathOf(number), content);
      if (this.#offset > 0) await this.#removeFirst();
      this.#segments.unshift({ number, bytes: content.length });
      return kept;
    });
  }

  /** The oldest record; `undefined` when there is none. It stays until {@linkcode advance}. */
  read(): Promise<Uint8Array | undefined> {
    return this.#next(async () => {
      if (this.isEmpty) return undefined;
      using file = await Deno.open(this.#pathOf(this.#segments[0]!.number), { read: true });
      await file.seek(this.#offset, Deno.SeekMode.Start);
      const header = new DataView((await readExactly(file, HEADER_BYTES)).buffer);
      const record = await readExactly(file, header.getUint32(0));
      if (checksum(record) !== header.getUint32(4)) throw new Error("Cannot read the journal: the checksum is wrong");
      this.#headRecord = HEADER_BYTES + record.length;
      return record;
    });
  }

  /** Removes the record that was read last. */
  advance(): Promise<void> {
    return this.#next(async () => {
      this.#offset += this.#headRecord ?? 0;
      this.#headRecord = undefined;
      await this.#dropRead();
    });
  }

  /** Gives up the oldest file, which cannot be read. Returns how many bytes that were. */
  skipFirst(): Promise<number> {
    return this.#next(async () => {
      const lost = (this.#segments[0]?.bytes ?? 0) - this.#offset;
      if (this.#segments.length > 0) await this.#removeFirst();
      return lost;
    });
  }

  /** Remembers what was read, and closes the file. */
  close(): Promise<void> {
    return this.#next(async () => {
      this.#endTail();
      const position = { segment: this.#segments[0]?.number ?? 0, offset: this.#offset };
      const path = join(this.#options.directory, POSITION_NAME);
      await replaceFile(path, JSON.stringify(position));
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {}); // Who asked for it hears of the failure; the next call does not depend on it.
    return done;
  }

  async #begin(number: number): Promise<Deno.FsFile> {
    const file = await Deno.open(this.#pathOf(number), { write: true, createNew: true, mode: 0o600 });
    this.#segments.push({ number, bytes: 0 });
    return file;
  }

  #endTail(): void {
    this.#tail?.close();
    this.#tail = undefined;
  }

  /** Removes the first files of which all was read. */
  async #dropRead(): Promise<void> {
    while (this.#segments.length > 0 && this.#offset >= this.#segments[0]!.bytes) await this.#removeFirst();
  }

  async #removeFirst(): Promise<void> {
    if (this.#segments.length === 1) this.#endTail();
    const { number } = this.#segments.shift()!;
    this.#offset = 0;
    await Deno.remove(this.#pathOf(number)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  #contentOf({ number }: Segment): Promise<Uint8Array> {
    return Deno.readFile(this.#pathOf(number));
  }

  #pathOf(number: number): string {
    return join(this.#options.directory, `${String(number).padStart(8, "0")}.journal`);
  }
}

function withHeader(record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + record.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, record.length);
  header.setUint32(4, checksum(record));
  bytes.set(record, HEADER_BYTES);
  return bytes;
}

/** Length of the whole, undamaged records at the start of a file. */
function wholeRecords(content: Uint8Array): number {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let end = 0;
  while (end + HEADER_BYTES <= content.length) {
    const next = end + HEADER_BYTES + view.getUint32(end);
    if (next > content.length) break;
    if (checksum(content.subarray(end + HEADER_BYTES, next)) !== view.getUint32(end + 4)) break;
    end = next;
  }
  return end;
}

/** FNV-1a, 32 bits; starts so that a run of zeros is no record. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

async function readPosition(directory: string): Promise<{ readonly segment: number; readonly offset: number }> {
  try {
    const { segment, offset } = JSON.parse(await Deno.readTextFile(join(directory, POSITION_NAME)));
    return { segment: Number(segment), offset: Number(offset) };
  } catch {
    return { segment: 0, offset: 0 }; // Missing or broken: records are read twice rather than never.
  }
}

async function readExactly(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new Error("Cannot read the journal: a file is shorter than it was");
    at += count;
  }
  return bytes;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
