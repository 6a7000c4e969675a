/**
 * The living processes of this machine and what marks them, from Linux's `/proc`.
 *
 * @module
 */

/** A process that was alive a moment ago. Zombies are not: they hold nothing and cannot be ended. */
export interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** In clock ticks since the boot; with the number it names one process for good. */
  readonly startedAt: string;
}

/** Variable that tells which agent's command a process descends from: marks of {@linkcode addMark}, the outermost first. */
export const MARK_VARIABLE = "OUTPOST_PROCESS";
const BETWEEN_MARKS = ":";

/**
 * Adds `mark` to a child's environment, behind that of an agent around this one: so the outer agent finds what the inner one
 * started, too.
 */
export function addMark(env: Readonly<Record<string, string>>, mark: string): Record<string, string> {
  const outer = env[MARK_VARIABLE];
  return { ...env, [MARK_VARIABLE]: outer ? `${outer}${BETWEEN_MARKS}${mark}` : mark };
}

/**
 * All living processes but this one, by number. Does not yield; about 10 µs per process.
 *
 * @returns `undefined` where there is no Linux `/proc`.
 */
export function livingProcesses(): ReadonlyMap<number, LivingProcess> | undefined {
  const processes = new Map<number, LivingProcess>();
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      const pid = Number(name);
      const process = Number.isInteger(pid) && pid !== Deno.pid ? livingProcess(pid) : undefined;
      if (process !== undefined) processes.set(pid, process);
    }
  } catch {
    // Another system, or a mount that hides processes.
    return undefined;
  }
  return processes;
}

/** The process with this number, if it lives. */
export function livingProcess(pid: number): LivingProcess | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // proc_pid_stat(5): the program's name is in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, session] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), startedAt: fields[19] ?? "" };
}

/**
 * The marks that a process was started with; none when it is gone, belongs to another user, or hides its environment.
 * Needs the permission to read other processes' environments, which is part of `--allow-all` only.
 */
export function marksOf(pid: number): readonly string[] {
  const environment = readText(`/proc/${pid}/environ`);
  const start = `${MARK_VARIABLE}=`;
  if (environment === undefined || !environment.includes(start)) return [];
  const variable = environment.split("\0").find((each) => each.startsWith(start));
  return variable?.slice(start.length).split(BETWEEN_MARKS) ?? [];
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process ended while the directory was being read, or is none of ours.
    return undefined;
  }
}
