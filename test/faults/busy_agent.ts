/**
 * Busy agents, and what has to hold when they have ended.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assert, assertEquals } from "@std/assert";

import { type Busy, together } from "./busy_plugins.ts";
import { type Ending, LONGEST_END_MS, type MarkedAgent, type MarkedAgentOptions, startMarked } from "./marked_agent.ts";

/** Longest wait for work to be under way, in milliseconds. It only ends hangs. */
const HANG_MS = 120_000;
/** What a loaded machine may add to an end, in milliseconds. */
const SLACK_MS = 10_000;

/** Starts an agent, makes plugins of it busy, and releases everything after the test. */
export async function withBusy(
  rows: readonly Busy[],
  options: MarkedAgentOptions,
  test: (world: MarkedAgent) => Promise<void>,
): Promise<void> {
  const place = await Deno.makeTempDir({ prefix: "outpost-busy-" });
  {
    await using held = new AsyncDisposableStack();
    const work = together(rows.map((busy) => busy.prepare(place, held)));
    await using world = await startMarked({ ...work, ...options, settings: { ...work.settings, ...options.settings } });
    await deadline(work.begin(world), HANG_MS);
    await test(world);
  }
  await Deno.remove(place, { recursive: true });
}

/** What an end has to be like. */
export interface ExpectedEnding extends Pick<Ending, "code"> {
  readonly unfinished?: readonly string[];
  readonly errors?: readonly string[];
}

/** Nothing is left, it took no longer than it may, and each plugin is told apart when it did. */
export function checkEnding(ending: Ending, expected: ExpectedEnding): void {
  const { code, left, tookMs, perPlugin, log } = ending;
  const sorted = ({ unfinished = [], errors = [] }: Pick<ExpectedEnding, "unfinished" | "errors">) =>
    // A process that is cut short has no last words.
    code === 0 ? { unfinished: unfinished.toSorted(), errors: errors.toSorted() } : {};
  assertEquals({ code, left, ...sorted(ending) }, { code: expected.code, left: [], ...sorted(expected) }, log);
  assert(tookMs < LONGEST_END_MS + SLACK_MS, `${tookMs} ms, of which ${JSON.stringify(perPlugin)}\n${log}`);
}
