/**
 * Which driver makes the desktop.
 *
 * @module
 */
import { join } from "@std/path";

import { findInPath } from "../../core/exec/program.ts";
import type { Clock, Env, Exec, Logger, Tasks } from "../../core/plugin.ts";
import type { DesktopConfig } from "./config.ts";
import { type DesktopDriver, DesktopUnavailableError } from "./driver.ts";

/** What drivers are made of. */
export interface DriverWork {
  readonly exec: Exec;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  readonly config: DesktopConfig;
}

const PORTABLE = "portabledesktop";

/**
 * Chooses by the settings, and by what is there: portabledesktop on `PATH`, then in the directory of script programs. Drivers are
 * loaded when a desktop is wanted.
 *
 * @throws {DesktopUnavailableError} When the settings ask for portabledesktop, and it is not there.
 */
export async function chooseDriver(work: DriverWork): Promise<DesktopDriver> {
  const { exec, env, clock, log, config } = work;
  const { geometry, depth } = config;
  const program = config.driver === "native" ? undefined : await findPortable(env, log);
  if (program !== undefined) {
    const { portableDriver } = await import("./portable/portable_driver.ts");
    return portableDriver({ exec, clock, log, program, geometry });
  }
  if (config.driver === "portabledesktop") {
    throw new DesktopUnavailableError(
      `"${PORTABLE}" was not found in PATH or in the script binary directory ${env.scriptBinDirectory}`,
    );
  }
  const { nativeDriver } = await import("./native/native_driver.ts");
  return nativeDriver({ ...work, geometry, depth });
}

async function findPortable(env: Env, log: Logger): Promise<string | undefined> {
  const { PATH = "" } = await env.build();
  const { scriptBinDirectory } = env;
  const elsewhere = PATH.split(":").filter((directory) => directory !== scriptBinDirectory).join(":");
  const found = findInPath(PORTABLE, elsewhere) ?? findInPath(PORTABLE, scriptBinDirectory);
  if (found !== undefined) return found;
  const candidate = join(scriptBinDirectory, PORTABLE);
  const exists = await Deno.stat(candidate).then(({ isFile }) => isFile, () => false);
  if (exists) log.warn("portabledesktop is there and not executable", { path: candidate });
  return undefined;
}
