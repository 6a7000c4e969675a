/**
 * What `outpost doctor` says about git.
 *
 * @module
 */
import { findInPath } from "../../core/exec/program.ts";
import type { CheckResult, CommandContext } from "../../core/plugin.ts";

/** Looks for git where the agent's commands look. */
export function checkGit({ env }: Pick<CommandContext, "env">): Promise<CheckResult> {
  const git = findInPath("git", env.PATH ?? "");
  if (git !== undefined) return Promise.resolve({ status: "ok", found: git });
  return Promise.resolve({
    status: "warning",
    found: "there is no git in PATH, so no repository is watched",
    mend: "install git, or switch the plugin off: --set plugins.agentgit=false",
  });
}
