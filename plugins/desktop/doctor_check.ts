/**
 * What `outpost doctor` says about the desktop. Loaded when it is asked.
 *
 * @module
 */
import { findInPath } from "../../core/exec/program.ts";
import type { CheckResult, CommandContext } from "../../core/plugin.ts";
import { missingPrograms, NATIVE_PROGRAMS } from "./native/native_driver.ts";

/** Whether the programs are there that make a desktop. Without them nothing else suffers, so that it is no problem. */
export function checkPrograms({ env }: Pick<CommandContext, "env">): Promise<CheckResult> {
  const { PATH = "" } = env;
  const portable = findInPath("portabledesktop", PATH);
  if (portable !== undefined) return Promise.resolve({ status: "ok", found: portable });
  const missing = missingPrograms(PATH);
  if (missing.length === 0) {
    return Promise.resolve({ status: "ok", found: NATIVE_PROGRAMS.map(({ program }) => program).join(", ") });
  }
  return Promise.resolve({
    status: "warning",
    found: `no ${missing.map(({ program, purpose }) => `${program} (${purpose})`).join(", no ")}`,
    mend: `apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(" ")}`,
  });
}
