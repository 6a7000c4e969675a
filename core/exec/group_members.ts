/**
 * Which processes belong to which group, from `/proc`.
 *
 * @module
 */

/** Living processes of one group. */
export type GroupMembers = ReadonlyMap<number, readonly number[]>;

/**
 * Reads which living processes belong to the process groups whose leader also leads a session, as every group that
 * {@linkcode ProcessGroups} starts does. Zombies do not count: they hold nothing and cannot be ended.
 *
 * Reads all of `/proc` at once without yielding (about 10 µs per process), so it is for ends and doubts, not for each
 * start.
 *
 * @returns Process ids by group id, or `undefined` where there is no Linux `/proc`.
 */
export function livingGroupMembers(): GroupMembers | undefined {
  const members = new Map<number, number[]>();
  try {
    for (const entry of Deno.readDirSync("/proc")) {
      const pid = Number(entry.name);
      const group = Number.isInteger(pid) ? livingGroupOf(pid) : undefined;
      if (group === undefined) continue;
      const known = members.get(group);
      if (known === undefined) members.set(group, [pid]);
      else known.push(pid);
    }
  } catch {
    // Another system, or a mount that hides processes: the caller falls back on what kill(2) says.
    return undefined;
  }
  return members.size === 0 ? undefined : members;
}

function livingGroupOf(pid: number): number | undefined {
  let stat: string;
  try {
    stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    // The process ended while the directory was being read.
    return undefined;
  }
  // proc_pid_stat(5): the program's name is in parentheses and may itself hold spaces and parentheses.
  const [state, _parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X" || group !== session) return undefined;
  return Number(group);
}
