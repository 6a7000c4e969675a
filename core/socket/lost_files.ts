/**
 * Files that others find the agent by, and what happens when somebody cleans the directory they are in.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Logger } from "../plugin.ts";
import { infoOf } from "./unix_path.ts";

/** What {@linkcode LostFiles} takes. */
export interface LostFilesOptions {
  readonly log: Logger;
  /** Milliseconds between two looks. Default 5000: one look costs some microseconds per file. */
  readonly everyMs?: number;
}

interface Watched {
  readonly path: string;
  readonly restore: () => Promise<void>;
  /** Whether the last attempt failed, which is said once. */
  failed: boolean;
}

const EVERY_MS = 5000;

/**
 * Looks from time to time whether each file is still there and has it brought back when it is not. A file that was replaced
 * is left alone: it is another agent's.
 *
 * Looks in real time, whatever clock the agent runs on: files do not vanish in virtual time.
 */
export class LostFiles implements AsyncDisposable {
  readonly #log: Logger;
  readonly #everyMs: number;
  readonly #watched = new Set<Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor({ log, everyMs = EVERY_MS }: LostFilesOptions) {
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** @param restore Makes the file again; a throw is logged and tried again later. Dispose the result to stop watching. */
  watch(path: string, restore: () => Promise<void>): Disposable {
    const watched = { path, restore, failed: false };
    this.#watched.add(watched);
    if (this.#timer === undefined && !this.#isClosed) {
      this.#timer = setInterval(() => void (this.#looking ??= this.#look()), this.#everyMs);
    }
    return {
      [Symbol.dispose]: () => {
        this.#watched.delete(watched);
        if (this.#watched.size === 0) this.#stopLooking();
      },
    };
  }

  #stopLooking(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Stops looking, and waits for what is being brought back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#stopLooking();
    await this.#looking;
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    for (const watched of this.#watched) {
      try {
        if (await infoOf(watched.path) !== undefined || this.#isClosed || !this.#watched.has(watched)) continue;
        await watched.restore();
        watched.failed = false;
        this.#log.warn("file was removed by somebody and is back", { path: watched.path });
      } catch (error) {
        if (!watched.failed) {
          this.#log.error("file was removed by somebody and cannot be made again", {
            path: watched.path,
            error: messageOf(error),
          });
        }
        watched.failed = true;
      }
    }
    this.#looking = undefined;
  }
}
