/**
 * Waiting for a signal.
 *
 * @module
 */

/** Resolves when `signal` is aborted, also when it is already. Never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
