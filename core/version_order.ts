/**
 * The order of versions.
 *
 * @module
 */

/** Compares the numbers of two semantic versions; pre-release tags do not count. */
export function isBefore(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split(/[-+]/)[0]?.split(".").map(Number) ?? []);
  for (let index = 0; index < 3; index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
