/**
 * Hands every change to every watcher without ever waiting for one.
 *
 * @module
 */
import type { FileChange, FileChangeEvent, FileChanges } from "./service.ts";

/** Changes kept per watcher. At some hundred bytes each, a stuck one costs well below a megabyte. */
const MAX_QUEUED = 1024;

interface Watcher {
  readonly queue: FileChange[];
  missed: number;
  wake: () => void;
}

/** The feed of one agent. */
export class FileChangeFeed implements FileChanges, Disposable {
  readonly #watchers = new Set<Watcher>();
  #closed = false;

  /** Tells all watchers. Returns at once. */
  publish(change: FileChange): void {
    for (const watcher of this.#watchers) {
      if (watcher.queue.length < MAX_QUEUED && watcher.missed === 0) watcher.queue.push(change);
      else watcher.missed++;
      watcher.wake();
    }
  }

  /** Subscribes now, not at the first read. */
  watch(signal: AbortSignal): AsyncIterable<FileChangeEvent> {
    const watcher: Watcher = { queue: [], missed: 0, wake: () => {} };
    if (!signal.aborted && !this.#closed) this.#watchers.add(watcher);
    const leave = (): void => {
      this.#watchers.delete(watcher);
      watcher.wake();
    };
    signal.addEventListener("abort", leave, { once: true });
    return this.#events(watcher, () => {
      signal.removeEventListener("abort", leave);
      leave();
    });
  }

  async *#events(watcher: Watcher, leave: () => void): AsyncGenerator<FileChangeEvent, void> {
    try {
      for (;;) {
        const { promise: woken, resolve } = Promise.withResolvers<void>();
        watcher.wake = resolve;
        for (let change = watcher.queue.shift(); change !== undefined; change = watcher.queue.shift()) {
          yield { type: "change", change };
        }
        const { missed } = watcher;
        watcher.missed = 0;
        if (missed > 0) {
          yield { type: "missed", count: missed };
          continue;
        }
        if (!this.#watchers.has(watcher)) return;
        await woken;
      }
    } finally {
      leave();
    }
  }

  /** Ends every watch after what is queued. */
  [Symbol.dispose](): void {
    this.#closed = true;
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher.wake();
  }
}
