/**
 * A log file that does not grow without end: when it is full it becomes `NAME.1`, the one before `NAME.2`, and so on.
 *
 * @module
 */
import type { WritableText } from "./log.ts";

/** What {@linkcode LogFile} takes. */
export interface LogFileOptions {
  /** A write that would make the file longer begins a new one. 0: it grows for ever. */
  readonly maxBytes: number;
  /** Full files that are kept; the oldest one goes. */
  readonly backups: number;
}

const LINE_FEED = new Uint8Array([0x0a]);

/** Appends to a file. Writes at once, so that the last words before an exit are not lost. */
export class LogFile implements WritableText, Disposable {
  readonly #path: string;
  readonly #options: LogFileOptions;
  #file: Deno.FsFile;
  #bytes: number;
  #lastByte: number = LINE_FEED[0]!;
  /** Whether a full disk left the last line without its end: what comes next must not look like the rest of it. */
  #isCutOff = false;

  /** Opens `path` for appending; a new file gets mode 0644. @throws {Deno.errors.NotFound} When its directory is missing, and other errors of the system. */
  constructor(path: string, options: LogFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#file = open(path);
    this.#bytes = this.#file.statSync().size;
  }

  /** @throws {Error} When nothing can be written: the disk is full, or the file was lost while it was changed. */
  writeSync(bytes: Uint8Array): number {
    const { maxBytes } = this.#options;
    if (maxBytes > 0 && this.#bytes > 0 && this.#bytes + bytes.length > maxBytes) this.#begin();
    try {
      if (this.#isCutOff) this.#write(LINE_FEED);
      this.#isCutOff = false;
      return this.#write(bytes);
    } catch (error) {
      this.#isCutOff = this.#lastByte !== LINE_FEED[0];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #write(bytes: Uint8Array): number {
    const count = this.#file.writeSync(bytes);
    this.#bytes += count;
    if (count > 0) this.#lastByte = bytes[count - 1]!;
    return count;
  }

  /** Moves the full file away. Nothing is moved before there is a new one: where none can be made, the old one goes on growing. */
  #begin(): void {
    const draft = `${this.#path}.new`;
    let next: Deno.FsFile;
    try {
      next = open(draft);
    } catch {
      return;
    }
    const { backups } = this.#options;
    for (let index = backups; index > 1; index--) rename(`${this.#path}.${index - 1}`, `${this.#path}.${index}`);
    if ((backups > 0 && !rename(this.#path, `${this.#path}.1`)) || !rename(draft, this.#path)) {
      next.close();
      return remove(draft);
    }
    this.#file.close();
    this.#file = next;
    this.#bytes = next.statSync().size;
  }
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: 0o644 });
}

/** Whether `from` is out of the way: there may not be that many files yet, or somebody has taken one away. */
function rename(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It stays, empty, and is used the next time.
  }
}
