import { assertEquals, assertRejects } from "@std/assert";

import { HttpProblem } from "../../core/errors.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import { RecordedSession } from "./_fixture.ts";
import { Desktop, type DesktopWork } from "./desktop.ts";

const VIEWER = { name: "", isViewOnly: true };

/** A desktop for one viewer, whose connections to the VNC server are counted. */
function desktopWithVnc() {
  const clock = new VirtualClock();
  const session = new RecordedSession();
  let [opened, closed] = [0, 0];
  session.vnc = () => {
    opened++;
    return Promise.resolve({ close: () => void closed++ } as unknown as Deno.Conn);
  };
  const metrics = { starts: { inc: () => {} } };
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, ok() {}, degraded() {} };
  const stop = new AbortController();
  const desktop = new Desktop({
    ...{ clock, metrics, log: quiet, health: quiet, signal: stop.signal },
    config: { maxViewers: 1, startMs: 1000, handBackMs: 1000, maxWaitingActions: 1 },
    chooseDriver: () => Promise.resolve({ name: "native", start: () => Promise.resolve(session) }),
  } as unknown as DesktopWork);
  return { clock, desktop, stop, connections: () => ({ opened, closed }) };
}

Deno.test("Desktop.openViewer(): a handshake that never comes gives its place and its connection back", async () => {
  const { clock, desktop, connections } = desktopWithVnc();
  await desktop.openViewer(VIEWER);

  const refused = await assertRejects(() => desktop.openViewer(VIEWER), HttpProblem);
  await clock.advance(30_000);
  const after = connections();
  await desktop.openViewer(VIEWER);

  assertEquals(refused.status, 429);
  assertEquals(after, { opened: 1, closed: 1 });
  assertEquals(connections(), { opened: 2, closed: 1 });
});

Deno.test("Desktop.openViewer(): the agent's stop closes a connection whose viewer has not come yet", async () => {
  const { clock, desktop, stop, connections } = desktopWithVnc();
  await desktop.openViewer(VIEWER);

  stop.abort();
  await clock.advance(0);

  assertEquals([connections(), clock.sleeping], [{ opened: 1, closed: 1 }, 0]);
});
