import { assertEquals, assertRejects } from "@std/assert";

import { DesktopUnavailableError } from "./driver.ts";
import { checkPrograms } from "./doctor_check.ts";
import { recordedDesktop } from "./_fixture.ts";
import { nativeDriver, type NativeDriverWork } from "./native/native_driver.ts";

Deno.test("without its programs, the native driver names the packages to install, and so does the health", async () => {
  const env = { build: () => Promise.resolve({ PATH: "/nonexistent" }) };
  const driver = nativeDriver({ env } as unknown as NativeDriverWork);
  const start = () => driver.start(new AbortController().signal);

  const error = await assertRejects(start, DesktopUnavailableError, "install tigervnc-standalone-server and openbox");

  await using desktop = await recordedDesktop({}, () => Promise.reject(error));
  const { detail } = await (await desktop.act({ action: "screenshot" })).json();
  assertEquals([detail, desktop.agent.health("desktop").reason], [error.message, error.message]);
  assertEquals(await desktop.agent.metric("agent_desktop_starts_total", { result: "unavailable" }), 1);
});

Deno.test("outpost doctor says which programs are missing, and what to install", async () => {
  assertEquals(await checkPrograms({ env: { PATH: "/nonexistent" } }), {
    status: "warning",
    found: "no Xvnc (the screen), no openbox (moving and raising windows)",
    mend: "apt-get install tigervnc-standalone-server openbox",
  });
});
