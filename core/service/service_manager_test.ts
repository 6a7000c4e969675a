import { assertEquals, assertMatch, assertThrows } from "@std/assert";

import { VirtualClock } from "../testing/virtual_clock.ts";
import { socketAddress } from "./notify_socket.ts";
import { serviceManager } from "./service_manager.ts";

function managed(env: Record<string, string>, send?: (message: string) => void) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const opened: string[] = [];
  const warnings: string[] = [];
  const manager = serviceManager({
    env,
    clock,
    open: (path) => {
      opened.push(path);
      return send ?? ((message) => void sent.push(message));
    },
    warn: (text) => void warnings.push(text),
  });
  return { manager, clock, sent, opened, warnings };
}

Deno.test("serviceManager() says ready once the agent is, and stopping", () => {
  const { manager, sent, opened } = managed({ NOTIFY_SOCKET: "/run/notify" });

  manager.ready("outpost 1.2.3\nlistens");
  manager.stopping();

  assertEquals(opened, ["/run/notify"]);
  assertEquals(sent, ["READY=1\nSTATUS=outpost 1.2.3 listens", "STOPPING=1\nSTATUS=Stopping"]);
});

Deno.test("serviceManager() feeds the watchdog twice per interval, from ready to the end", async () => {
  const { manager, clock, sent } = managed({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "30000000" });
  const fed = () => sent.filter((message) => message === "WATCHDOG=1").length;

  await clock.advance(60_000);
  assertEquals(fed(), 0);
  manager.ready("");
  await clock.advance(45_000);
  assertEquals(fed(), 4);
  manager[Symbol.dispose]();
  await clock.advance(60_000);
  assertEquals(fed(), 4);
});

Deno.test("serviceManager() does nothing where no manager waits", () => {
  const { manager, opened } = managed({ WATCHDOG_USEC: "1000000" });

  manager.ready("");
  manager.stopping();
  manager[Symbol.dispose]();

  assertEquals(opened, []);
});

Deno.test("serviceManager() warns once when the manager cannot be reached, and the agent goes on", async () => {
  const { manager, clock, warnings } = managed({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "1000000" }, () => {
    throw new Error("no such file");
  });

  manager.ready("");
  await clock.advance(5_000);
  manager.stopping();

  assertEquals(warnings, ["The service manager cannot be told how the agent is: no such file"]);
});

Deno.test("socketAddress() knows paths and abstract names, and refuses what does not fit", () => {
  assertEquals([...socketAddress("/a")], [1, 0, 47, 97, 0]);
  assertEquals([...socketAddress("@a")], [1, 0, 0, 97]);
  assertThrows(() => socketAddress("a"), RangeError, "no absolute path");
  assertMatch(assertThrows(() => socketAddress(`/${"a".repeat(108)}`), RangeError).message, /110 bytes, at most 108/);
});
