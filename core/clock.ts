/**
 * The real clock. Tests use the virtual one of the test kit.
 *
 * @module
 */
import type { Clock } from "./plugin.ts";

/** Longest delay a timer can take, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The process's clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    for (let left = ms; left > 0; left -= MAX_TIMER_MS) await sleepOnce(Math.min(left, MAX_TIMER_MS), signal);
    signal?.throwIfAborted();
  },
});

/** For durations and deadlines: milliseconds that a change of the machine's clock does not touch. */
export function elapsedOn(clock: Pick<Clock, "now" | "elapsed">): number {
  return clock.elapsed?.() ?? clock.now();
}

function sleepOnce(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", cancel);
      resolve();
    }, ms);
    function cancel(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", cancel, { once: true });
  });
}
