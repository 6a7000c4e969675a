/**
 * What `outpost doctor` says about terminals.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { CheckResult } from "../../core/plugin.ts";

/** Where the kernel hands out terminals. */
const DEVICE = "/dev/ptmx";

/** Opens one and closes it again. */
export async function checkTerminals(): Promise<CheckResult> {
  try {
    using _terminal = await Deno.open(DEVICE, { read: true, write: true });
    return { status: "ok", found: `${DEVICE} gives terminals` };
  } catch (error) {
    const mend = "mount devpts: mount -t devpts devpts /dev/pts -o ptmxmode=0666";
    return { status: "problem", found: `${DEVICE} gives no terminal: ${messageOf(error)}`, mend };
  }
}
