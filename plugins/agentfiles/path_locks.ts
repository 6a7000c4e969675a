/**
 * One writer per path at a time.
 *
 * @module
 */

/** Locks of one agent. They order its own requests; other programs are not held back. */
export class PathLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Paths that are locked or waited for. */
  get size(): number {
    return this.#tails.size;
  }

  /** Runs `work` while it alone holds all of `paths`. Waiters go in order of arrival; two calls cannot wait for each other. */
  async hold<T>(paths: readonly string[], work: () => Promise<T>): Promise<T> {
    const wanted = [...new Set(paths)];
    const { promise: done, resolve: release } = Promise.withResolvers<void>();
    // All places are taken in one step without waiting in between: that alone rules out a circle.
    const before = wanted.map((path) => this.#tails.get(path));
    for (const path of wanted) this.#tails.set(path, done);
    try {
      await Promise.all(before);
      return await work();
    } finally {
      for (const path of wanted) {
        if (this.#tails.get(path) === done) this.#tails.delete(path);
      }
      release();
    }
  }
}
