/**
 * Commands as process 1 of a world of their own, as in a container.
 *
 * @module
 */

/** What stands in front of a command to make it process 1. Everything in there ends with the program in front. */
export function asProcessOne(): string[] {
  const user = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
  return ["unshare", ...user, "--pid", "--fork", "--mount-proc", "--kill-child"];
}

/** Numbers of the processes that `pid` started and that have not been taken away yet, as this process sees them. */
export function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** One letter of proc_pid_stat(5), such as `Z` for a zombie; `undefined` when the process is gone. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  } catch {
    return undefined;
  }
}
