/**
 * `outpost test-watcher`.
 *
 * @module
 */
import type { CommandContext } from "@outpost/agent";
import type { TestRun } from "./run_history.ts";

/** Shows the latest run; 1 when it failed. */
export async function showLatest({ agent, out }: CommandContext): Promise<number> {
  const response = await (await agent()).fetch("/api/v0/test-watcher");
  const { runs } = await response.json() as { readonly runs: readonly TestRun[] };
  const latest = runs.at(-1);
  await out(latest === undefined ? "No run yet\n" : `${latest.output}run ${latest.number}: ${latest.state}\n`);
  return latest === undefined || latest.state === "passed" ? 0 : 1;
}
