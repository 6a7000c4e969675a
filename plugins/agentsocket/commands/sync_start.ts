/**
 * `outpost sync start`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags, UsageError } from "../../../core/cli/flags.ts";
import { elapsedOn, systemClock } from "../../../core/clock.ts";
import { messageOf } from "../../../core/errors.ts";
import { parseDuration } from "../../../core/go_duration.ts";
import type { Clock, CommandContext } from "../../../core/plugin.ts";
import { SOCKET_FLAG, type SyncClient, withSyncClient } from "./sync_client.ts";
import { unitList } from "./unit_list.ts";

/** Time between two questions whether a unit is ready, in milliseconds. */
const POLL_MS = 1000;
/** Longest wait when nothing is said. */
const DEFAULT_TIMEOUT = "5m";

const TIMEOUT_FLAG = { name: "timeout", value: "TIME", summary: "Longest wait; 0 waits for ever. Default: 5m." };

/** Waits until the unit is ready, and marks it as started. `clock` is for tests. */
export async function syncStart(ctx: CommandContext, clock: Clock = systemClock): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "sync start", flags: [SOCKET_FLAG, TIMEOUT_FLAG], words: [1, 1] });
  const unit = flags.words[0]!;
  const timeoutMs = timeoutOf(flags.text("timeout") ?? DEFAULT_TIMEOUT);
  const at = { path: flags.text("socket-path"), failure: "start unit failed" };
  const isStarted = await withSyncClient(ctx, at, async (client) => {
    const status = await client.syncStatus({ unit });
    const units = unitList(status.dependencies.map(({ dependsOn }) => dependsOn).toSorted());
    const quoted = JSON.stringify(unit);
    if (!status.isReady) {
      await ctx.out(`Unit ${quoted} is waiting for dependencies to be satisfied: ${units}\n`);
      if (!await becomesReady(client, unit, { timeoutMs, clock, signal: ctx.signal })) return false;
    }
    await client.syncStart({ unit });
    await ctx.out(`Unit ${quoted} ${startedText(status, units)}\n`);
    return true;
  });
  if (!isStarted) throw new Error(`timeout waiting for dependencies of unit '${unit}'`);
  return EXIT.done;
}

function timeoutOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UsageError(`The flag "--timeout": ${messageOf(error)}`);
  }
}

function startedText(before: { readonly isReady: boolean; readonly dependencies: readonly unknown[] }, units: string) {
  if (!before.isReady) return `finished waiting for dependencies: ${units}`;
  if (before.dependencies.length === 0) return "started with no dependencies";
  return `started immediately, dependencies already satisfied: ${units}`;
}

interface Wait {
  /** 0: for ever. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Whether the unit becomes ready in time. */
async function becomesReady(client: SyncClient, unit: string, { timeoutMs, clock, signal }: Wait): Promise<boolean> {
  const endAt = timeoutMs === 0 ? Infinity : elapsedOn(clock) + timeoutMs;
  for (;;) {
    const leftMs = endAt - elapsedOn(clock);
    if (leftMs <= 0) return false;
    await clock.sleep(Math.min(POLL_MS, leftMs), signal);
    if ((await client.syncReady({ unit })).ready) return true;
  }
}
