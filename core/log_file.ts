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

/** Appends to a file. Writes at once, so that the last words before an exit are not lost. */
export class LogFile implements WritableText, Disposable {
  readonly #path: string;
  readonly #options: LogFileOptions;
  #file: Deno.FsFile;
  #bytes: number;

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
    const count = this.#file.writeSync(bytes);
    this.#bytes += count;
    return count;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  /** Moves the full file away. What cannot be moved is written on. */
  #begin(): void {
    for (let index = this.#options.backups; index > 0; index--) {
      rename(index === 1 ? this.#path : `${this.#path}.${index - 1}`, `${this.#path}.${index}`);
    }
    if (this.#options.backups === 0) remove(this.#path);
    const next = open(this.#path);
    this.#file.close();
    this.#file = next;
    this.#bytes = next.statSync().size;
  }
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: 0o644 });
}

function rename(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch {
    // There are not that many yet, or the directory does not let us: then the file goes on growing.
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // As above.
  }
}
