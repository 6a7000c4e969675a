/**
 * Nice value and OOM score of child processes.
 *
 * @module
 */
import type { Variables } from "../plugin.ts";

/** Nice value and OOM score of one process. */
export interface Priority {
  /** Nice value, -20 to 19. */
  readonly nice: number;
  /** OOM score adjustment, -1000 to 1000. */
  readonly oomScore: number;
}

/** Difference to the agent's own nice value: work in the workspace gives way to the agent. */
const NICE_STEP = 5;
const MAX_NICE = 19;
/** Children die before anything else in the workspace, except those that ask for more. */
const CHILD_OOM_SCORE = 998;
const MAX_OOM_SCORE = 1000;

/**
 * What children get: what is configured, and the rest as the variables say. `undefined` when neither says anything, and outside
 * Linux.
 *
 * When `CODER_PROC_PRIO_MGMT` is present, whatever its value, `CODER_PROC_NICE_SCORE` and `CODER_PROC_OOM_SCORE` name the
 * values; what is not an integer is ignored. By default the nice value is the agent's own plus 5, at most 19, and the OOM score
 * 998: 1000 when the agent's own is 998 or more, 0 when the agent is protected by a negative one.
 */
export function childPriority(
  variables: Variables,
  configured: Partial<Priority> = {},
  own: () => Priority | undefined = ownPriority,
): Partial<Priority> | undefined {
  const isManaged = variables.CODER_PROC_PRIO_MGMT !== undefined;
  if (!isManaged && configured.nice === undefined && configured.oomScore === undefined) return undefined;
  const agent = own();
  if (agent === undefined) return undefined;
  if (!isManaged) return configured;
  return {
    nice: configured.nice ?? integer(variables.CODER_PROC_NICE_SCORE) ?? Math.min(agent.nice + NICE_STEP, MAX_NICE),
    oomScore: configured.oomScore ?? integer(variables.CODER_PROC_OOM_SCORE) ?? defaultOomScore(agent.oomScore),
  };
}

/** The agent's own values, or `undefined` where `/proc` does not tell them. */
export function ownPriority(): Priority | undefined {
  try {
    const stat = Deno.readTextFileSync("/proc/self/stat");
    // proc_pid_stat(5): the nice value is field 19, and the third field is the first after the program's name.
    const nice = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
    return { nice, oomScore: Number(Deno.readTextFileSync("/proc/self/oom_score_adj")) };
  } catch {
    // Not Linux, or no /proc: there is nothing to adjust.
    return undefined;
  }
}

/**
 * Lines for `sh` that apply `priority` to the shell itself and then become the program in its arguments. What cannot be
 * applied is said on standard error, and the program starts all the same.
 */
export function priorityScript({ nice, oomScore }: Partial<Priority>, own: Priority): string {
  const lines: string[] = [];
  if (oomScore !== undefined) {
    lines.push(
      `{ echo ${oomScore} >/proc/self/oom_score_adj; } 2>/dev/null || echo "outpost: cannot set OOM score to ${oomScore}" >&2`,
    );
  }
  if (nice === undefined) return [...lines, 'exec "$@"'].join("\n");
  return [
    ...lines,
    `command -v nice >/dev/null || { echo "outpost: cannot set nice value to ${nice}: no such program \\"nice\\"" >&2; exec "$@"; }`,
    `exec nice -n ${nice - own.nice} "$@"`,
  ].join("\n");
}

function defaultOomScore(own: number): number {
  if (own < 0) return 0;
  return own >= CHILD_OOM_SCORE ? MAX_OOM_SCORE : CHILD_OOM_SCORE;
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}
