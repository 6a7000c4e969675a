/**
 * The relay in front of a real VNC server: clients of other people, people who take over, and viewers that misbehave.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { missingPrograms, openRealDesktop, type RealDesktop } from "../fixtures/real_desktop.ts";
import { openRfbClient } from "../fixtures/rfb_client.ts";

const VNC = "/api/v0/desktop/vnc";
const SHIFT_AND_BUTTON = 0x101;

function desktopTest(
  name: string,
  fn: (desktop: RealDesktop) => Promise<void>,
  options: { readonly config?: Record<string, unknown>; readonly programs?: readonly string[] } = {},
): void {
  const missing = missingPrograms("Xvnc", "openbox", "xdotool", ...options.programs ?? []);
  Deno.test({
    name: missing.length === 0 ? name : `${name} (skipped: no program ${missing.join(", ")})`,
    ignore: missing.length > 0,
    async fn() {
      await using desktop = await openRealDesktop(options.config);
      await fn(desktop);
    },
  });
}

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
async function leaseOf({ agent }: RealDesktop): Promise<any> {
  return await (await agent.get("/api/v0/desktop/lease")).json();
}

/** Resolves when the lease is as wanted: the relay reads a client's messages in its own time. */
async function untilHeldBy(desktop: RealDesktop, who: string): Promise<void> {
  while ((await leaseOf(desktop)).held_by !== who) await new Promise((resolve) => setImmediate(resolve));
}

async function pointer(desktop: RealDesktop): Promise<string> {
  return (await desktop.act({ action: "cursor_position" })).output;
}

desktopTest("two viewers see the screen at once, though each asks to have it alone", async (desktop) => {
  const clients = [];
  for (let count = 0; count < 2; count++) clients.push(await openRfbClient(await desktop.agent.webSocket(VNC)));

  for (const client of clients) {
    client.ask(false);
    const [first] = await client.update();

    assertEquals([client.width, client.height], [320, 200]);
    assertEquals([...first!.pixels.subarray(0, 3)], [0x40, 0x34, 0x2b]);
  }
}, { config: { geometry: "320x200" } });

desktopTest("a person who touches the mouse takes the desktop, and what an agent holds is let go", async (desktop) => {
  const client = await openRfbClient(await desktop.agent.webSocket(`${VNC}?name=Anna`));
  await desktop.act({ action: "left_mouse_down" });
  const holding = desktop.agent.post("/api/v0/desktop/action", { action: "hold_key", text: "a", duration: 60_000 });
  await desktop.act({ action: "wait", duration: 50 });

  client.pointer(50, 60, 0);

  assertEquals((await holding).status, 423);
  const { held_by, holder } = await leaseOf(desktop);
  assertEquals([held_by, holder.name], ["person", "Anna"]);
  const refused = await desktop.agent.post("/api/v0/desktop/action", { action: "mouse_move", coordinate: [1, 1] });
  assertEquals(refused.status, 423);
  await refused.body?.cancel();
  while (await pointer(desktop) !== "x=50,y=60");
  assertEquals(await desktop.pressed(), 0);
}, { config: { geometry: "320x200" } });

desktopTest("what a person holds pressed is let go when it is handed back, and the viewer stays", async (desktop) => {
  const client = await openRfbClient(await desktop.agent.webSocket(VNC));
  client.key(0xffe1, true);
  client.pointer(10, 10, 1);
  await untilHeldBy(desktop, "person");
  while (await desktop.pressed() !== SHIFT_AND_BUTTON);

  await (await desktop.agent.post("/api/v0/desktop/lease/hand-back")).json();

  assertEquals(await desktop.pressed(), 0);
  assertEquals((await leaseOf(desktop)).viewers.length, 1);
  assertEquals((await desktop.act({ action: "screenshot" })).output, "screenshot");
}, { config: { geometry: "320x200" } });

desktopTest("a viewer that may only look sees everything and moves nothing", async (desktop) => {
  await desktop.act({ action: "mouse_move", coordinate: [100, 100] });
  const client = await openRfbClient(await desktop.agent.webSocket(`${VNC}?view_only=1`));

  client.pointer(5, 5, 1);
  client.key(0x61, true);
  client.ask(false);
  await client.update();

  assertEquals(await pointer(desktop), "x=100,y=100");
  assertEquals((await leaseOf(desktop)).held_by, "agents");
  assertEquals(await desktop.agent.metric("agent_desktop_dropped_input_total"), 2);
}, { config: { geometry: "320x200" } });

desktopTest(
  "vncsnapshot, a client by other people, gets a picture of the screen through the relay",
  async (desktop) => {
    const file = await Deno.makeTempFile({ suffix: ".jpg" });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const bridged = (async () => {
      const conn = await listener.accept();
      const socket = await desktop.agent.webSocket(VNC);
      const down = (async () => {
        for (;;) await conn.write(await socket.next() as Uint8Array);
      })();
      const buffer = new Uint8Array(4096);
      for (let count; (count = await conn.read(buffer)) !== null;) socket.send(buffer.slice(0, count));
      socket.close();
      await down.catch(() => {}); // The socket is closed.
      conn.close();
    })();
    const display = (listener.addr as Deno.NetAddr).port - 5900;

    await desktop.run("vncsnapshot", "-quiet", "-encodings", "raw", `127.0.0.1:${display}`, file);
    await bridged;

    const told = new TextDecoder().decode(await desktop.run("identify", "-format", "%m %wx%h", file));
    await Deno.remove(file);
    assertEquals(told, "JPEG 640x480");
  },
  { config: { geometry: "640x480" }, programs: ["vncsnapshot", "identify"] },
);

desktopTest("bytes that are no RFB close the viewer with 1002 and the reason", async (desktop) => {
  const client = await openRfbClient(await desktop.agent.webSocket(VNC));

  client.socket.send(Uint8Array.of(99));

  assertEquals(await client.socket.closed, { code: 1002, reason: "Unknown message type 99" });
  assertEquals(await desktop.agent.metric("agent_desktop_viewers_ended_total", { end: "protocol" }), 1);
}, { config: { geometry: "320x200" } });

desktopTest("fifty viewers see a change each, one more is refused, and all places come back", async (desktop) => {
  const clients = [];
  for (let count = 0; count < 50; count++) clients.push(await openRfbClient(await desktop.agent.webSocket(VNC)));
  const refused = await desktop.agent.webSocket(VNC).then(() => "opened", (error) => String(error));
  for (const client of clients) {
    client.ask(false);
    await client.update();
    client.ask(true);
  }

  await desktop.run("xsetroot", "-solid", "#ff0000");
  for (const client of clients) {
    const [first] = await client.update();
    assertEquals([...first!.pixels.subarray(0, 3)], [0, 0, 0xff]);
    client.socket.close();
  }

  assertStringIncludes(refused, "429");
  while (await desktop.agent.metric("agent_desktop_viewers") !== 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals(await desktop.agent.metric("agent_desktop_viewers_ended_total", { end: "left" }), 50);
}, { config: { geometry: "160x120", maxViewers: 50 }, programs: ["xsetroot"] });

desktopTest(
  "an X server that is killed during a drag fails the drag, ends the viewers, and the next use has a new one",
  async (desktop) => {
    const client = await openRfbClient(await desktop.agent.webSocket(VNC));
    const { desktopName, directory } = { desktopName: desktop.env.DISPLAY, directory: desktop.env.XAUTHORITY! };
    const dragging = desktop.agent.post("/api/v0/desktop/action", {
      action: "left_click_drag",
      start_coordinate: [10, 10],
      coordinate: [300, 150],
    });
    await desktop.agent.get("/api/v0/desktop/lease"); // A turn for the drag to begin.

    Deno.kill(desktop.serverPid, "SIGKILL");

    const failed = await dragging;
    assertEquals([failed.status, (await failed.json()).message], [500, "Drag failed"]);
    assertEquals((await client.socket.closed).code, 1001);
    assertEquals((await desktop.act({ action: "screenshot" })).screenshot_width, 320);
    const { running } = await leaseOf(desktop);
    assert(running && desktopName !== undefined);
    assertEquals(await desktop.agent.metric("agent_desktop_deaths_total"), 1);
    while (await Deno.stat(directory).then(() => true, () => false)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  { config: { geometry: "320x200" } },
);
