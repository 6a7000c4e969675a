/**
 * What wait(2) says of a process that ended.
 *
 * @module
 */

/** How a process ended. */
export type End = { readonly code: number } | { readonly signal: number };

/** The seven bits that hold the signal; 0 when the process ended by itself. */
const SIGNAL_BITS = 0x7f;
/** A shell reports a signal as this and its number. */
const SIGNALLED = 128;

/** Reads a status as the kernel writes it on every architecture of Linux. */
export function endOf(status: number): End {
  const signal = status & SIGNAL_BITS;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/** The exit code that stands for it: its own, or 128 and the signal's number. */
export function exitCodeFor(end: End): number {
  return "code" in end ? end.code : SIGNALLED + end.signal;
}
