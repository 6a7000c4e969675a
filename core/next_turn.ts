/**
 * Breaks in long work.
 *
 * @module
 */
/** Lets everything else have its turn: resolves after the event loop has looked once at sockets, files and timers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
