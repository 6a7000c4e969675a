/**
 * The parent's life: start the agent, wait for its end, end what it left behind, and hand on how it ended.
 *
 * @module
 */
import { elapsedOn, systemClock } from "../clock.ts";
import { oomKillsOfMachine } from "../exec/oom_kills.ts";
import type { Clock, Logger } from "../plugin.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Libc } from "./libc.ts";
import type { OwnCommand } from "./own_command.ts";
import { Reaper } from "./reaper.ts";
import { Restarts } from "./restarts.ts";
import type { Supervision } from "./supervision.ts";
import { type End, exitCodeFor } from "./wait_status.ts";

/** What {@linkcode supervise} takes. */
export interface SuperviseOptions extends Supervision {
  readonly libc: Libc;
  readonly log: Logger;
  /** The agent. */
  readonly command: OwnCommand;
  readonly leftovers: Leftovers;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

/** Exit code when the agent could not be started. */
const NOT_STARTED = 1;
/** The signal of the kernel that has run out of memory. */
const SIGKILL = 9;

/** Runs the agent below this process until it has ended for good. Returns the exit code. */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { libc, log, command, leftovers, isInit, clock = systemClock } = options;
  const asked = new AbortController();
  const restarts = new Restarts();
  if (!isInit && !libc.becomeSubreaper()) log.warn("this kernel leaves orphans to its first process");
  log.info("spawning reaper process");
  using reaper = new Reaper({ libc, log, jobControl: !isInit, onStopSignal: () => asked.abort() });
  for (;;) {
    const killsBefore = oomKillsOfMachine();
    const startedAt = elapsedOn(clock);
    let end: End;
    try {
      end = await reaper.run(command.path, command.argv);
    } catch (error) {
      log.error("agent process reaper unable to fork", { error: error as Error });
      return NOT_STARTED;
    }
    // The kernel does not say whom; who got its signal while the count rose was most likely it.
    const outOfMemory = "signal" in end && end.signal === SIGKILL && oomKillsOfMachine() > killsBefore;
    if (outOfMemory) log.error("the agent ran out of memory and the kernel killed it");
    const { ended, survivors } = await leftovers.end();
    if (ended.length > 0) log.warn("ended what the agent left running", { pids: ended });
    if (survivors.length > 0) log.warn("cannot end what the agent left running", { pids: survivors });
    const exitCode = exitCodeFor(end);
    const how = { ...end, ...(outOfMemory && { oom: true }) };
    const pauseMs = options.restart && !asked.signal.aborted
      ? restarts.pauseAfter(end, elapsedOn(clock) - startedAt)
      : undefined;
    if (pauseMs !== undefined) {
      log.warn("the agent crashed and is started again", { ...how, exit_code: exitCode, pause_ms: pauseMs });
      await clock.sleep(pauseMs, asked.signal).catch(() => {}); // Asked to end: seen below.
      if (!asked.signal.aborted) continue;
    }
    log.info("child process exited, propagating exit code", { ...how, exit_code: exitCode, reaped: reaper.reaped });
    return exitCode;
  }
}
