/**
 * Exit codes of the binary.
 *
 * @module
 */

/** What the codes below 128 mean. 128 and a signal's number stand for the end by that signal. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Wrong usage or configuration: nothing was started. */
  usage: 2,
} as const;
