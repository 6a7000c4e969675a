/**
 * Several pieces of work with one end.
 *
 * @module
 */

/** Work that ends when its signal aborts. */
export type Work = (signal: AbortSignal) => Promise<void>;

/**
 * Runs all of `works` and waits for all of them. When one fails, the others are aborted.
 *
 * @throws The first error.
 */
export async function together(signal: AbortSignal, ...works: readonly Work[]): Promise<void> {
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const running = works.map(async (work) => await work(ends));
  try {
    await Promise.all(running);
  } finally {
    over.abort();
    await Promise.allSettled(running);
  }
}

/**
 * Runs `work` for the newest value, and ends it when one comes that is not the same as JSON. Returns when the signal aborts, or
 * when there are no more values and the last work is done.
 *
 * @param watch Yields the present value and later ones until its signal aborts.
 * @throws What `work` throws before its signal aborts.
 */
export async function withLatest<Value>(
  watch: (signal: AbortSignal) => AsyncIterable<Value>,
  signal: AbortSignal,
  work: (value: Value, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const ends = AbortSignal.any([signal, failed.signal]);
  let present: string | undefined;
  let replaced = new AbortController();
  let running: Promise<void> = Promise.resolve();
  for await (const value of watch(ends)) {
    const text = JSON.stringify(value);
    if (text === present) continue;
    present = text;
    replaced.abort();
    await running;
    replaced = new AbortController();
    const until = AbortSignal.any([ends, replaced.signal]);
    running = work(value, until).catch((error) => {
      if (!until.aborted) failed.abort(error);
    });
  }
  await running;
  if (failed.signal.aborted) throw failed.signal.reason;
}
