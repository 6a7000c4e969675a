/**
 * Whether this process is to be the agent, or the small parent of one. Read before anything heavy is loaded.
 *
 * @module
 */

/** How the parent watches over the agent. */
export interface Supervision {
  /** Whether this is the first process of its machine or container, to which the kernel gives every orphan by itself. */
  readonly isInit: boolean;
  /** Whether an agent that crashed is started again. */
  readonly restart: boolean;
}

/** What decides it, beside the arguments. */
export interface SupervisionFacts {
  readonly pid: number;
  readonly os: typeof Deno.build.os;
}

/** Commands that serve until they are told to end. Plugins can bring more; this is asked before any plugin is loaded. */
const SERVING_COMMANDS: readonly string[] = ["start", "agent"];

/** Tells the agent's own process not to become a parent, whatever else the arguments say. */
export const NO_REAP = "--no-reap";

/**
 * `undefined` for a process that does the work itself: another command, `--no-reap`, or a start that is neither process 1 nor
 * asked for a parent with `--reaper` or `--restart`.
 */
export function supervisionAsked(args: readonly string[], facts: SupervisionFacts): Supervision | undefined {
  const [command = "", ...rest] = args;
  const end = rest.indexOf("--");
  const flags = new Set(end < 0 ? rest : rest.slice(0, end));
  if (!SERVING_COMMANDS.includes(command) || [NO_REAP, "--help", "-h"].some((flag) => flags.has(flag))) {
    return undefined;
  }
  const isInit = facts.pid === 1 && facts.os === "linux";
  const restart = flags.has("--restart");
  return isInit || restart || flags.has("--reaper") ? { isInit, restart } : undefined;
}
