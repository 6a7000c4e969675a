/**
 * Hands every event to every watcher without ever waiting for one.
 *
 * @module
 */

/** Events kept per watcher. At some hundred bytes each, a stuck one costs well below a megabyte. */
const MAX_QUEUED = 1024;

interface Watcher<Event> {
  readonly queue: Event[];
  missed: number;
  wake: () => void;
}

/** One source of events. */
export class EventFeed<Event> implements Disposable {
  readonly #watchers = new Set<Watcher<Event>>();
  readonly #missedEvent: (count: number) => Event;
  #closed = false;

  /** @param missedEvent What a watcher that was too slow is told in the place of so many events. */
  constructor(missedEvent: (count: number) => Event) {
    this.#missedEvent = missedEvent;
  }

  /** Tells all watchers. Returns at once. */
  publish(event: Event): void {
    for (const watcher of this.#watchers) {
      if (watcher.queue.length < MAX_QUEUED && watcher.missed === 0) watcher.queue.push(event);
      else watcher.missed++;
      watcher.wake();
    }
  }

  /** Subscribes now, not at the first read. Ends when `signal` aborts or the feed is disposed, after what is queued. */
  watch(signal: AbortSignal): AsyncIterable<Event> {
    const watcher: Watcher<Event> = { queue: [], missed: 0, wake: () => {} };
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

  async *#events(watcher: Watcher<Event>, leave: () => void): AsyncGenerator<Event, void> {
    try {
      for (;;) {
        const { promise: woken, resolve } = Promise.withResolvers<void>();
        watcher.wake = resolve;
        while (watcher.queue.length > 0) yield watcher.queue.shift()!;
        const { missed } = watcher;
        watcher.missed = 0;
        if (missed > 0) {
          yield this.#missedEvent(missed);
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
