/**
 * SIGTERM while each plugin is busy: the agent ends in time, says what did not finish, and leaves nothing behind.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { MARK_VARIABLE } from "../../core/exec/process_scan.ts";
import { isolatedEnv, ROOT } from "../agent_process.ts";
import { checkEnding, withBusy } from "./busy_agent.ts";
import { BUSY } from "./busy_plugins.ts";
import { exists, offspringOf, socketsIn, until } from "./marked_agent.ts";

for (const { plugin, by, ...row } of BUSY) {
  Deno.test(`outpost start ends in time and leaves nothing on SIGTERM while ${plugin} is busy with ${by}`, () =>
    withBusy([{ plugin, by, ...row }], {}, async (world) => {
      const ending = world.end();
      world.agent.signal("SIGTERM");

      checkEnding(await ending, { code: 0, unfinished: row.unfinished, errors: row.errors });
      if (row.states !== undefined) assertEquals(await world.states(), row.states);
    }));
}

/** Each plugin once, with what goes together. */
const TOGETHER = BUSY.filter(({ plugin, by }) => plugin !== "controlplane" && !by.startsWith("a st"));

for (const [end, signals] of [["in time on SIGTERM", 1], ["at once with 143 on a second SIGTERM", 2]] as const) {
  Deno.test(`outpost start ends ${end} and leaves nothing while everything is busy`, () =>
    withBusy(TOGETHER, {}, async (world) => {
      const ending = world.end();
      world.agent.signal("SIGTERM");
      if (signals === 2) {
        await until(async () => {
          const response = await world.agent.fetch("/readyz");
          await response.body?.cancel();
          return response.status === 503;
        });
        world.agent.signal("SIGTERM");
      }

      const errors = TOGETHER.flatMap((row) => row.errors ?? []);
      checkEnding(await ending, signals === 2 ? { code: 143 } : { code: 0, errors });
    }));
}

Deno.test("outpost start ends in time and leaves nothing on SIGTERM while it begins to listen", async () => {
  const home = await Deno.makeTempDir();
  try {
    const mark = crypto.randomUUID();
    const unix = join(home, "run", "agent.sock");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "main.ts"), "start", "--listen", "127.0.0.1:0", "--unix", unix],
      env: isolatedEnv(home, { [MARK_VARIABLE]: mark }),
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();

    // The first listener is open, and what follows it is not done.
    await until(() => exists(unix));
    child.kill("SIGTERM");

    assertEquals((await child.status).code, 0);
    assertEquals(socketsIn(join(home, "run")), []);
    assertEquals(offspringOf(mark), []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
