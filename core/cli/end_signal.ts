/**
 * Signals that ask this process to end.
 *
 * @module
 */

/** Signals that ask the process to end. */
export type EndSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Number of each signal; a shell reports 128 more as the exit code. */
const SIGNAL_NUMBERS: Readonly<Record<EndSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
/** All of them. */
export const END_SIGNALS: readonly EndSignal[] = Object.keys(SIGNAL_NUMBERS) as EndSignal[];

/** The exit code of a process that a signal ended, as shells report it: 130 for SIGINT. */
export function exitCodeOf(signal: EndSignal): number {
  return 128 + SIGNAL_NUMBERS[signal];
}

/** Calls `handler` for each such signal until disposed. */
export type OnEndSignal = (handler: (signal: EndSignal) => void) => Disposable;
