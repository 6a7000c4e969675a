/**
 * Which processes belong to which group, from `/proc`.
 *
 * @module
 */
import { livingProcesses } from "./process_scan.ts";

/** Living processes of one group. */
export type GroupMembers = ReadonlyMap<number, readonly number[]>;

/**
 * Reads which living processes belong to the process groups whose leader also leads a session, as every group that
 * {@linkcode ProcessGroups} starts does.
 *
 * Reads all of `/proc` at once without yielding (about 10 µs per process), so it is for ends and doubts, not for each
 * start.
 *
 * @returns Process ids by group id, or `undefined` where there is no Linux `/proc`.
 */
export function livingGroupMembers(): GroupMembers | undefined {
  const members = new Map<number, number[]>();
  for (const { pid, group, session } of livingProcesses()?.values() ?? []) {
    if (group !== session) continue;
    const known = members.get(group);
    if (known === undefined) members.set(group, [pid]);
    else known.push(pid);
  }
  return members.size === 0 ? undefined : members;
}
