import { assertRejects } from "@std/assert";

import { DesktopUnavailableError } from "./driver.ts";
import { recordedDesktop } from "./_fixture.ts";
import { nativeDriver, type NativeDriverWork } from "./native/native_driver.ts";

Deno.test("without its programs, the native driver names the packages to install, and so does the health", async () => {
  const env = { build: () => Promise.resolve({ PATH: "/nonexistent" }) };
  const driver = nativeDriver({ env } as unknown as NativeDriverWork);
  const start = () => driver.start(new AbortController().signal);

  const error = await assertRejects(start, DesktopUnavailableError, "install tigervnc-standalone-server and openbox");

  await using desktop = await recordedDesktop({}, () => Promise.reject(error));
  const { detail } = await (await desktop.act({ action: "screenshot" })).json();
  const { reason } = desktop.agent.health("desktop");
  const starts = await desktop.agent.metric("agent_desktop_starts_total", { result: "unavailable" });
  if (detail !== error.message || reason !== error.message || starts !== 1) {
    throw new Error(`told: ${detail}, ${reason}`);
  }
});
