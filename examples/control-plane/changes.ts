/**
 * Tells whoever watches that something about an agent has changed.
 *
 * @module
 */

/** What changed; the watcher asks for the new state itself. */
export interface Change {
  readonly agentId: string;
  /** Part of the agent's state, such as `lifecycle`. */
  readonly kind: string;
}

/** One writer, any number of watchers. Publishing never waits, and a slow watcher misses repetitions, never the last change. */
export class Changes {
  readonly #watchers = new Set<(change: Change) => void>();

  /** Tells every watcher. */
  publish(agentId: string, kind: string): void {
    for (const watcher of this.#watchers) watcher({ agentId, kind });
  }

  /** Calls `watcher` for each change. Dispose the result to stop. */
  listen(watcher: (change: Change) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** Yields what changed since the call, then since the last step, each agent and kind once, until the signal aborts. */
  watch(signal: AbortSignal): AsyncGenerator<readonly Change[], void, undefined> {
    const pending = new Map<string, Change>();
    let wake = Promise.withResolvers<void>();
    const listening = this.listen((change) => {
      pending.set(`${change.agentId} ${change.kind}`, change);
      wake.resolve();
    });
    const stop = () => {
      listening[Symbol.dispose]();
      wake.resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    return (async function* () {
      while (!signal.aborted) {
        await wake.promise;
        wake = Promise.withResolvers();
        const changes = [...pending.values()];
        pending.clear();
        if (changes.length > 0) yield changes;
      }
    })();
  }
}
