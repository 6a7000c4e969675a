/**
 * Ends the programs that make a desktop.
 *
 * @module
 */
import type { Child, Clock } from "../../core/plugin.ts";

/** Time a program gets to end what it started, and to remove its files, before it is killed, in milliseconds. */
const TERMINATE_MS = 2000;

/** Asks a program to end, and kills what is left of it. */
export async function endProgram(child: Child, clock: Clock): Promise<void> {
  child.kill("SIGTERM");
  const late = new AbortController();
  await Promise.race([child.exited, clock.sleep(TERMINATE_MS, late.signal).catch(() => {})]); // It ended in time.
  late.abort();
  await child.killTree();
  await child.exited;
}
