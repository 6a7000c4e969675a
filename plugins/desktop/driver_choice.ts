/**
 * Which driver makes the desktop.
 *
 * @module
 */
import type { Clock, Env, Exec, Logger, Tasks } from "../../core/plugin.ts";
import type { DesktopConfig } from "./config.ts";
import type { DesktopDriver } from "./driver.ts";

/** What drivers are made of. */
export interface DriverWork {
  readonly exec: Exec;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  readonly config: DesktopConfig;
}

/** Chooses by the settings, and by what is there. Drivers are loaded when a desktop is wanted. */
export async function chooseDriver(work: DriverWork): Promise<DesktopDriver> {
  const { nativeDriver } = await import("./native/native_driver.ts");
  return nativeDriver({ ...work, geometry: work.config.geometry, depth: work.config.depth });
}
