/**
 * The unit of `outpost install` under a real systemd.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { canManage, startManager, type SystemdManager } from "../systemd_manager.ts";

const UNIT = "outpost.service";
/** Makes a watchdog and a restart quick enough for a test. */
const QUICK = "[Service]\nWatchdogSec=2\nRestartSec=100ms\n";

/** Installs the unit, with a configuration, and starts it. */
async function startUnit(manager: SystemdManager, settings: object = {}): Promise<string> {
  const config = join(manager.home, "outpost.jsonc");
  await Deno.writeTextFile(config, JSON.stringify(settings));
  const installed = await manager.outpost("install", "--systemd", "--config", config);
  assertEquals(installed.code, 0, installed.text);
  const directory = join(manager.home, `.config/systemd/user/${UNIT}.d`);
  await Deno.mkdir(directory);
  await Deno.writeTextFile(join(directory, "quick.conf"), QUICK);
  for (const args of [["daemon-reload"], ["start", UNIT]]) {
    const { code, text } = await manager.systemctl(...args);
    assertEquals(code, 0, text);
  }
  return config;
}

/** Waits until systemd has started the unit `times` times again, and it is ready. */
async function restarted(manager: SystemdManager, times: number): Promise<void> {
  const now = async () => [await manager.property(UNIT, "NRestarts"), await manager.property(UNIT, "ActiveState")];
  while ((await now()).join() !== `${times},active`) { /* asks again: each question is a program of its own */ }
}

function systemdTest(name: string, use: (manager: SystemdManager) => Promise<void>): void {
  Deno.test(name, async (t) => {
    if (!await canManage()) {
      await t.step({ name: "needs systemd and the right to mount control groups", ignore: true, fn() {} });
      return;
    }
    await using manager = await startManager();
    await use(manager);
  });
}

systemdTest(
  "systemctl start returns when the agent serves, and systemctl stop when nothing is left",
  async (manager) => {
    await startUnit(manager);

    const status = await manager.outpost("status");
    assertEquals(status.code, 0, status.text);
    assertStringIncludes(await manager.property(UNIT, "StatusText"), "serves");
    // What would otherwise end the agent with a command that ran out of memory.
    assertEquals(await manager.property(UNIT, "OOMPolicy"), "continue");
    assertEquals(await manager.property(UNIT, "Delegate"), "yes");
    const ran = await manager.outpost("exec", "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo started");
    assertEquals(ran.text, "started\n");

    assertEquals((await manager.systemctl("stop", UNIT)).code, 0);

    assertEquals([await manager.property(UNIT, "Result"), await manager.property(UNIT, "ActiveState")], [
      "success",
      "inactive",
    ]);
    assertEquals((await manager.outpost("status")).code, 1);
  },
);

systemdTest("systemd starts an agent again that was killed, and one that hangs", async (manager) => {
  await startUnit(manager);

  await manager.kill(await manager.property(UNIT, "MainPID"), "KILL");
  await restarted(manager, 1);
  await manager.kill(await manager.property(UNIT, "MainPID"), "STOP");
  await restarted(manager, 2);

  const status = await manager.outpost("status");
  assertEquals(status.code, 0, status.text);
});

systemdTest("systemctl reload takes the agent to a changed file, and fails with a wrong one", async (manager) => {
  const config = await startUnit(manager);
  const pid = await manager.property(UNIT, "MainPID");
  assertStringIncludes((await manager.outpost("status")).text, "desktop");

  await Deno.writeTextFile(config, JSON.stringify({ plugins: { desktop: false } }));
  const right = await manager.systemctl("reload", UNIT);
  assertEquals(right.code, 0, right.text);
  assertEquals((await manager.outpost("status")).text.includes("desktop"), false);

  await Deno.writeTextFile(config, JSON.stringify({ plugins: { desktop: 5 } }));
  assertEquals((await manager.systemctl("reload", UNIT)).code, 1);
  assertEquals([await manager.property(UNIT, "ActiveState"), await manager.property(UNIT, "MainPID")], ["active", pid]);
});
