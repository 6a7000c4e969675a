/**
 * Work at an even pace.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";

/**
 * Yields each time an interval has passed, the first time after one. Work that takes longer than its interval is followed by the
 * next tick at once; ticks that were missed besides are not made up for. Setting the machine's clock changes nothing.
 *
 * @param intervalMs Asked before each wait, so that it may change.
 * @throws The signal's reason when it aborts.
 */
export async function* ticks(clock: Clock, intervalMs: () => number, signal: AbortSignal): AsyncGenerator<void> {
  let at = elapsedOn(clock);
  for (;;) {
    at = Math.max(at + intervalMs(), elapsedOn(clock));
    await clock.sleep(at - elapsedOn(clock), signal);
    yield;
  }
}
