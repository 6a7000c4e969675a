/**
 * Which paths each chat has touched.
 *
 * @module
 */
import type { PathActivity } from "./service.ts";

/** What a watcher of one chat learns. */
export interface TouchedPaths {
  /** Every path the chat has touched so far, sorted, without duplicates. */
  readonly all: readonly string[];
  /** Paths touched since the previous value; empty when the chat was only woken. The first value repeats `all` here. */
  readonly latest: readonly string[];
}

/** Bounds of a {@linkcode PathStore}. */
export interface PathStoreOptions {
  /** Most paths remembered per chat; the one touched longest ago is forgotten first. Default 20,000. */
  readonly maxPathsPerChat?: number;
  /** Most chats whose paths are remembered; the one that touched something longest ago is forgotten first. Default 1,000. */
  readonly maxChats?: number;
}

/** A chat id that stands for "no chat". */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";
/** A chat that touches more files than this has its repositories found long before the oldest path is dropped. */
const DEFAULT_MAX_PATHS_PER_CHAT = 20_000;
/** An agent that runs for months sees many chats, most of which nobody ever looks at again. */
const DEFAULT_MAX_CHATS = 1_000;

/**
 * Remembers the paths of chats, in memory, until the agent ends.
 *
 * There is no way to read the paths and subscribe in two steps: {@linkcode watch} subscribes first and then hands out what
 * is there, so nothing touched in between is lost.
 */
export class PathStore implements PathActivity {
  readonly #chats = new Map<string, Set<string>>();
  readonly #watchers = new Map<string, Set<PathWatcher>>();
  readonly #maxPathsPerChat: number;
  readonly #maxChats: number;

  constructor(options: PathStoreOptions = {}) {
    this.#maxPathsPerChat = options.maxPathsPerChat ?? DEFAULT_MAX_PATHS_PER_CHAT;
    this.#maxChats = options.maxChats ?? DEFAULT_MAX_CHATS;
  }

  /** Chats that have paths. */
  get size(): number {
    return this.#chats.size;
  }

  /** Watchers that are being listened to. */
  get watchers(): number {
    let count = 0;
    for (const watchers of this.#watchers.values()) count += watchers.size;
    return count;
  }

  touched(chatIds: readonly string[], paths: readonly string[]): void {
    const chats = new Set(chatIds.map((id) => id.toLowerCase()).filter((id) => id !== "" && id !== NIL_UUID));
    for (const chat of chats) {
      if (paths.length > 0) this.#remember(chat, paths);
      for (const watcher of this.#watchers.get(chat) ?? []) watcher.wake(paths);
    }
  }

  /**
   * Yields the chat's paths at once (also when there are none) and then after every later touch. Touches that come while
   * the reader is busy are joined into one value. Subscribed from the moment of the call, not of the first read; ends, and
   * unsubscribes, when `signal` aborts or the reader stops.
   */
  watch(chatId: string, signal: AbortSignal): AsyncIterableIterator<TouchedPaths> {
    const chat = chatId.toLowerCase();
    const watchers = this.#watchers.get(chat) ?? new Set();
    this.#watchers.set(chat, watchers);
    const watcher = new PathWatcher(() => [...this.#chats.get(chat) ?? []].sort(), signal, () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(chat) === watchers) this.#watchers.delete(chat);
    });
    watchers.add(watcher);
    if (signal.aborted) watcher.return();
    return watcher;
  }

  #remember(chat: string, paths: readonly string[]): void {
    const known = this.#chats.get(chat) ?? new Set();
    this.#chats.delete(chat);
    this.#chats.set(chat, known);
    for (const path of paths) {
      known.delete(path);
      known.add(path);
    }
    dropOldest(known, this.#maxPathsPerChat);
    dropOldest(this.#chats, this.#maxChats);
  }
}

/** Both keep the order in which they were filled. */
function dropOldest<K>(
  kept: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean },
  max: number,
): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(oldest);
  }
}

/** One subscription. Holds at most one pending wake-up, so that the side that touches never waits. */
class PathWatcher implements AsyncIterableIterator<TouchedPaths> {
  readonly #read: () => readonly string[];
  readonly #signal: AbortSignal;
  readonly #release: () => void;
  readonly #latest = new Set<string>();
  /** The first value is the current one: pending from the start. */
  #pending = true;
  #isFirst = true;
  #hasEnded = false;
  #waiting: ((result: IteratorResult<TouchedPaths>) => void) | undefined;

  constructor(read: () => readonly string[], signal: AbortSignal, release: () => void) {
    this.#read = read;
    this.#signal = signal;
    this.#release = release;
    signal.addEventListener("abort", this.#end, { once: true });
  }

  wake(paths: readonly string[]): void {
    for (const path of paths) this.#latest.add(path);
    this.#pending = true;
    this.#waiting?.(this.#take());
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<TouchedPaths>> {
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    if (this.#pending) return Promise.resolve(this.#take());
    return new Promise((resolve) => this.#waiting = resolve);
  }

  return(): Promise<IteratorResult<TouchedPaths>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): IteratorResult<TouchedPaths> {
    const all = this.#read();
    const latest = this.#isFirst ? all : [...this.#latest];
    this.#latest.clear();
    this.#pending = this.#isFirst = false;
    return { done: false, value: { all, latest } };
  }

  readonly #end = (): void => {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#signal.removeEventListener("abort", this.#end);
    this.#release();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  };
}
