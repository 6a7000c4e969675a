/**
 * The check of the test watcher for `outpost doctor`.
 *
 * @module
 */
import type { CheckResult } from "@outpost/agent";

/** Less than what a middle-sized project with its dependencies needs. */
const FEW_WATCHES = 8192;

/** Looks how many files one user may watch. */
export async function checkInotify(): Promise<CheckResult> {
  const text = await Deno.readTextFile("/proc/sys/fs/inotify/max_user_watches").catch(() => "");
  const watches = Number(text);
  if (text === "" || watches >= FEW_WATCHES) return { status: "ok", found: "files can be watched" };
  return {
    status: "warning",
    found: `the kernel lets one user watch ${watches} files`,
    mend: "sysctl fs.inotify.max_user_watches=524288",
  };
}
