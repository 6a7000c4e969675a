/**
 * What is left of a desktop when its agent was killed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { startAgent } from "../agent_process.ts";
import { missingPrograms } from "../fixtures/real_desktop.ts";
import { childrenOf, stateOf } from "../process_namespace.ts";

const missing = missingPrograms("Xvnc", "openbox", "setpriv");
/** Longest wait for anything, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;
const name =
  "an agent that is killed takes its X server and what is on the screen with it, and leaves people's commands";

Deno.test({
  name: missing.length === 0 ? name : `${name} (skipped: no program ${missing.join(", ")})`,
  ignore: missing.length > 0,
  async fn() {
    await using agent = await startAgent();
    await agent.post("/api/v0/desktop/action", { action: "cursor_position" });
    await agent.post("/api/v0/processes/start", { command: "exec sleep 1000" });
    const programs = () => childrenOf(agent.pid).map((pid) => [commandOf(pid), pid] as const);
    await until(() => ["Xvnc", "openbox", "sleep"].every((program) => programs().some(([each]) => each === program)));
    const pids = Object.fromEntries(programs()) as Record<string, number>;
    const display = displayOf(pids.openbox!);

    agent.signal("SIGKILL");
    try {
      await until(() => [pids.Xvnc!, pids.openbox!].every((pid) => [undefined, "Z"].includes(stateOf(pid))));

      assertEquals(await exists(`/tmp/.X11-unix/X${display}`), false);
      assert(!["Z", undefined].includes(stateOf(pids.sleep!)));
    } finally {
      Deno.kill(pids.sleep!, "SIGKILL");
    }
    await agent.ended;
  },
});

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim().replace("Xtigervnc", "Xvnc");
  } catch {
    return ""; // It has ended.
  }
}

function displayOf(pid: number): string {
  return /(?:^|\0)DISPLAY=:(\d+)\0/.exec(Deno.readTextFileSync(`/proc/${pid}/environ`))?.[1] ?? "none";
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

async function until(isSo: () => boolean): Promise<void> {
  const endsAt = performance.now() + HANG_MS;
  while (!isSo()) {
    if (performance.now() > endsAt) throw new Error(`Still not so: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
