/**
 * Appends records, one after the other, and begins a new file when one is full.
 *
 * @module
 */
import { type AuditRecord, chained, checkTrail, fileName, type TrailCheck, trailFiles } from "./chain.ts";

/** What {@linkcode TrailWriter} works with. */
export interface TrailWriterOptions {
  readonly directory: string;
  /** Asked at each record. */
  readonly limits: { readonly maxFileBytes: number; readonly keepFiles: number };
  readonly now: () => number;
}

/** The one writer of a directory. */
export class TrailWriter implements AsyncDisposable {
  readonly #options: TrailWriterOptions;
  #file: Deno.FsFile;
  #number: number;
  #bytes: number;
  #head: AuditRecord | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: TrailWriterOptions, file: Deno.FsFile, at: { number: number; bytes: number }) {
    this.#options = options;
    this.#file = file;
    this.#number = at.number;
    this.#bytes = at.bytes;
  }

  /**
   * Goes on where the last writer stopped. A last line that was cut off by a crash is taken away, and its removal recorded.
   *
   * @throws {Error} If the chain is broken anywhere else: a trail that lies is not continued.
   */
  static async open(options: TrailWriterOptions): Promise<TrailWriter> {
    await Deno.mkdir(options.directory, { recursive: true, mode: 0o700 });
    const last = (await trailFiles(options.directory)).at(-1) ?? fileName(1);
    const path = `${options.directory}/${last}`;
    const cutOff = await removeCutOffLine(path);
    const { broken, head } = await checkTrail(options.directory);
    if (broken !== undefined) {
      throw new Error(`Cannot continue the trail: ${broken.file}, line ${broken.line}: ${broken.why}`);
    }
    const file = await Deno.open(path, { create: true, append: true, mode: 0o600 });
    const { size } = await file.stat();
    const writer = new TrailWriter(options, file, { number: Number(last.slice(6, 14)), bytes: size });
    writer.#head = head;
    if (cutOff > 0) await writer.append("trail.recovered", { removed_bytes: cutOff });
    return writer;
  }

  /** The latest record. */
  get head(): AuditRecord | undefined {
    return this.#head;
  }

  /** Resolves when the record is on the disk. */
  append(kind: string, data: AuditRecord["data"]): Promise<AuditRecord> {
    const written = this.#writing.then(() => this.#append(kind, data));
    this.#writing = written.catch(() => {}); // The caller hears of it; the next record is tried all the same.
    return written;
  }

  /** Follows the chain as it is on the disk. Records that come meanwhile wait. */
  check(): Promise<TrailCheck> {
    const checked = this.#writing.then(() => checkTrail(this.#options.directory));
    this.#writing = checked.catch(() => {}); // The caller hears of it.
    return checked;
  }

  async #append(kind: string, data: AuditRecord["data"]): Promise<AuditRecord> {
    if (this.#bytes >= this.#options.limits.maxFileBytes) await this.#rotate();
    const record = await chained(this.#head, { at: new Date(this.#options.now()).toISOString(), kind, data });
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    for (let sent = 0; sent < line.length;) sent += await this.#file.write(line.subarray(sent));
    await this.#file.syncData();
    this.#bytes += line.length;
    return this.#head = record;
  }

  async #rotate(): Promise<void> {
    const { directory, limits } = this.#options;
    const path = `${directory}/${fileName(this.#number + 1)}`;
    const next = await Deno.open(path, { createNew: true, append: true, mode: 0o600 });
    this.#file.close();
    this.#file = next;
    this.#number++;
    this.#bytes = 0;
    const files = await trailFiles(directory);
    for (const old of files.slice(0, Math.max(0, files.length - limits.keepFiles))) {
      await Deno.remove(`${directory}/${old}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    this.#file.close();
  }
}

/** @returns Bytes that were removed. */
async function removeCutOffLine(path: string): Promise<number> {
  const bytes = await Deno.readFile(path).catch(() => new Uint8Array()); // None yet.
  const end = bytes.lastIndexOf(10) + 1;
  if (end < bytes.length) await Deno.truncate(path, end);
  return bytes.length - end;
}
