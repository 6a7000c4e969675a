/**
 * Times of cron expressions. Loaded when a script repeats.
 *
 * @module
 */
import { Cron } from "croner";

/**
 * The next time after `fromMs` that a six-field expression (seconds first) means, in milliseconds since the epoch.
 *
 * @returns `undefined` when there is none.
 * @throws {TypeError} If the expression cannot be read.
 */
export function nextTime(expression: string, fromMs: number): number | undefined {
  return new Cron(expression, { paused: true }).nextRun(new Date(fromMs))?.getTime();
}
