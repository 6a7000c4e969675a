/**
 * Durations as Go writes them, which is how tools take them.
 *
 * @module
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3, // U+00B5, micro sign
  "μs": 1e-3, // U+03BC, Greek letter mu
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = String.raw`(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)`;
const PARTS = new RegExp(PART, "g");
const WHOLE = new RegExp(`^\\+?(?:${PART})+$`);

/**
 * Milliseconds of a duration such as `30s`, `1h30m`, `1.5m` or `0`; fractions of a millisecond are kept.
 *
 * @throws {SyntaxError} When `text` is no duration, or a negative one.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!WHOLE.test(text)) {
    throw new SyntaxError(
      `Cannot read duration ${JSON.stringify(text)}: expected a form such as "30s", "5m" or "1h30m"`,
    );
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PARTS)) total += Number(amount) * UNIT_MS[unit!]!;
  return total;
}

/** The shortest such form for people, in whole milliseconds: `90s`, `500ms`. */
export function formatDuration(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))}s` : `${Math.round(ms)}ms`;
}
