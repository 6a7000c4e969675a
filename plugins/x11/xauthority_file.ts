/**
 * The file in which X programs look for cookies.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock } from "../../core/plugin.ts";
import {
  decodeRecords,
  encodeRecords,
  withoutRecord,
  withRecord,
  type XauthorityRecord,
} from "./xauthority_records.ts";

/** Time between two looks at the lock, in milliseconds. */
const RETRY_MS = 100;
/** Times after which whoever holds the lock is waited for no longer, in milliseconds: a stop has less time than a start. */
const LOCK_MS = { add: 20_000, remove: 1_000 };
/** Age of a lock that its holder left behind, in milliseconds: what xauth(1) takes it for. */
const STALE_MS = 600_000;

interface Patience {
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

/** Changes cookies without disturbing other programs that do. One per plugin. */
export class XauthorityFile {
  readonly #clock: Clock;
  /** Changes of this process take turns, so that they need not wait for the lock's next look. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Puts a cookie in.
   *
   * @param path Absolute. The file is made, mode 0600, when it is missing.
   * @throws {Error} When the file cannot be locked, read or written, or `signal` aborts.
   */
  add(path: string, record: XauthorityRecord, signal: AbortSignal): Promise<void> {
    return this.#change(path, (records) => withRecord(records, record), { waitMs: LOCK_MS.add, signal });
  }

  /** Takes a cookie out. @throws {Error} As {@linkcode add} does. */
  remove(path: string, record: XauthorityRecord): Promise<void> {
    return this.#change(path, (records) => withoutRecord(records, record), { waitMs: LOCK_MS.remove });
  }

  #change(
    path: string,
    change: (records: readonly XauthorityRecord[]) => XauthorityRecord[],
    patience: Patience,
  ): Promise<void> {
    const done = this.#turn.then(async () => {
      patience.signal?.throwIfAborted();
      const file = await targetOf(path);
      await using _lock = await this.#lock(file, patience);
      await replace(file, encodeRecords(change(await read(file))));
    });
    this.#turn = done.catch(() => {}); // Told to whoever asked.
    return done;
  }

  /** The lock of XauLockAuth(3), which xauth(1) and the X libraries keep: a file, and a link to it. */
  async #lock(file: string, { waitMs, signal }: Patience): Promise<AsyncDisposable> {
    const [made, linked] = [`${file}-c`, `${file}-l`];
    const until = elapsedOn(this.#clock) + waitMs;
    const release = async () => {
      await removeIfThere(made);
      await removeIfThere(linked);
    };
    while (true) {
      if (await this.#isStale(made)) await release();
      if (await takeLock(made, linked)) return { [Symbol.asyncDispose]: release };
      if (elapsedOn(this.#clock) >= until) {
        throw new Error(`Cannot lock "${file}": another program holds "${made}"; remove it if none does`);
      }
      await this.#clock.sleep(RETRY_MS, signal);
    }
  }

  async #isStale(made: string): Promise<boolean> {
    const found = await Deno.lstat(made).catch(() => undefined); // Missing: free.
    return found?.mtime != null && this.#clock.now() - found.mtime.getTime() > STALE_MS;
  }
}

async function takeLock(made: string, linked: string): Promise<boolean> {
  try {
    (await Deno.open(made, { write: true, createNew: true, mode: 0o600 })).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
  try {
    await Deno.link(made, linked);
    return true;
  } catch (error) {
    await removeIfThere(made);
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** A file in the place of a link would leave what the link points to behind. */
async function targetOf(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

async function read(file: string): Promise<XauthorityRecord[]> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  try {
    return decodeRecords(bytes);
  } catch (error) {
    throw new Error(`Cannot use "${file}": ${messageOf(error)}; no X program can read it, so remove it`, {
      cause: error,
    });
  }
}

/** Whoever reads meanwhile sees the old file or the new one. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}`;
  try {
    const writing = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
    try {
      for (let written = 0; written < bytes.length;) written += await writing.write(bytes.subarray(written));
      await writing.sync();
    } finally {
      writing.close();
    }
    await Deno.rename(draft, file);
  } catch (error) {
    await removeIfThere(draft);
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
