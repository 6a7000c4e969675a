/**
 * How units are written on a line.
 *
 * @module
 */

/** `[a, b]`, as Coder's command line writes lists. */
export function unitList(units: readonly string[]): string {
  return `[${units.join(", ")}]`;
}

/** A status for people. */
export function shownStatus(status: string): string {
  return status === "" ? "not registered" : status;
}
