/**
 * How many processes the kernel has killed for want of memory.
 *
 * @module
 */

/**
 * On the whole machine since it was booted, in groups with a limit of their own, too: proc_vmstat(5), `oom_kill`, in Linux
 * since 4.13. 0 where it is not told.
 */
export function oomKillsOfMachine(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(Deno.readTextFileSync("/proc/vmstat"))?.[1] ?? 0);
  } catch {
    return 0; // Another system.
  }
}
