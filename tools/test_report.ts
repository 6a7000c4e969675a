/**
 * Reads the JUnit report of `deno test` and decides what counts.
 *
 * @module
 */

/** One test or step of a run. */
export interface TestCase {
  /** File as Deno names it: `./core/plan_test.ts`. */
  readonly file: string;
  /** Name of the test; a step carries its parents' names, joined with ` > `. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** A test that may be skipped in CI. */
export interface OptionalTest {
  /** Regular expression on the test's name. */
  readonly name: string;
  /** Why CI cannot run it. */
  readonly reason: string;
}

/** Counts of a run. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const CASE = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads every test and step of a JUnit report as Deno 2 writes it. Names and texts in it are escaped. */
export function readReport(xml: string): TestCase[] {
  return [...xml.matchAll(CASE)].map(([, name = "", file = "", body = ""]) => ({
    file: unescapeXml(file),
    name: unescapeXml(name),
    outcome: /<(?:failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed",
  }));
}

/** Skipped tests that no entry of `optional` excuses. */
export function unexcusedSkips(cases: readonly TestCase[], optional: readonly OptionalTest[]): TestCase[] {
  const excuses = optional.map((entry) => new RegExp(entry.name));
  return cases.filter((test) => test.outcome === "skipped" && !excuses.some((excuse) => excuse.test(test.name)));
}

/**
 * Adds up a run.
 *
 * @param run `ok` is whether `deno test` succeeded: a run that failed without a failed test (a module that does not load)
 *   counts as one failure, so that the line never looks green. `unexcused` are skips that count as failures.
 */
export function totals(cases: readonly TestCase[], run: { ok: boolean; unexcused: readonly TestCase[] }): Totals {
  const count = (outcome: TestCase["outcome"]) => cases.filter((test) => test.outcome === outcome).length;
  const failed = count("failed") + run.unexcused.length;
  return {
    passed: count("passed"),
    failed: run.ok ? failed : Math.max(failed, 1),
    skipped: count("skipped") - run.unexcused.length,
  };
}

/** The last line of a test run. */
export function totalsLine(sum: Totals): string {
  return `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`;
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
