/**
 * Work at an even pace.
 *
 * @module
 */
import type { Clock } from "../../core/plugin.ts";

/**
 * Yields each time an interval has passed, the first time after one. Work that takes longer than its interval is followed by the
 * next tick at once; ticks that were missed besides are not made up for.
 *
 * @param intervalMs Asked before each wait, so that it may change.
 * @throws The signal's reason when it aborts.
 */
export async function* ticks(clock: Clock, intervalMs: () => number, signal: AbortSignal): AsyncGenerator<void> {
  let at = clock.now();
  for (;;) {
    at = Math.max(at + intervalMs(), clock.now());
    await clock.sleep(at - clock.now(), signal);
    yield;
  }
}
