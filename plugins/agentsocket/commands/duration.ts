/**
 * Durations as people type them.
 *
 * @module
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of `5m`, `1h30m`, `1.5s`, `250ms` or `0`.
 *
 * @throws {SyntaxError} When the text is nothing of the kind.
 */
export function durationMs(text: string): number {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    throw new SyntaxError(`Expected a duration such as 30s, 5m or 1h30m, got "${text}"`);
  }
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
}
