import { assertEquals, assertStringIncludes } from "@std/assert";

import { conformance, createTestAgent, type TestSocket } from "../../core/testing/mod.ts";
import { attachQuery, viewerMessage } from "./attach_query.ts";
import terminals from "./mod.ts";
import { ScreenMirror } from "./screen_mirror.ts";
import { utf8Locale } from "./start_shell.ts";

const ID = "11111111-2222-3333-4444-555555555555";
const SHELL = `/api/v0/pty?id=${ID}&width=80&height=24`;
const CAT = `${SHELL}&command=${encodeURIComponent("stty -echo; cat")}`;

/** Reads until the output holds `text`, and returns it all. */
async function until(socket: TestSocket, text: string): Promise<string> {
  const decoder = new TextDecoder();
  let seen = "";
  while (!seen.includes(text)) {
    const message = await socket.next();
    seen += typeof message === "string" ? message : decoder.decode(message, { stream: true });
  }
  return seen;
}

function say(socket: TestSocket, message: Record<string, unknown>): void {
  socket.send(JSON.stringify(message));
}

conformance(terminals);

Deno.test("two viewers see the same, and a third sees it after they have left", async () => {
  await using agent = await createTestAgent({ plugins: [terminals] });
  const one = await agent.webSocket(CAT);
  const two = await agent.webSocket(CAT);
  await until(one, "");

  say(one, { data: "grüße ✓\n" });
  await Promise.all([until(one, "grüße ✓"), until(two, "grüße ✓")]);
  one.close();
  two.close();
  await Promise.all([one.closed, two.closed]);

  const three = await agent.webSocket(CAT);
  assertStringIncludes(await until(three, "grüße ✓"), "grüße ✓");
  assertEquals(await agent.metric("agent_reconnecting_pty_connections_total"), 3);
  assertEquals(await agent.metric("agent_terminals_open"), 1);
});

Deno.test("the end of the command ends the viewers, and the next one gets a new terminal", async () => {
  await using agent = await createTestAgent({ plugins: [terminals] });
  const path = `${SHELL}&command=${encodeURIComponent("echo first; read x")}`;
  const socket = await agent.webSocket(path);
  await until(socket, "first");

  say(socket, { data: "\n" });

  assertEquals(await socket.closed, { code: 1000, reason: "terminal ended" });
  while (await agent.metric("agent_terminals_open") !== 0) await new Promise((resolve) => setImmediate(resolve));
  const next = await agent.webSocket(path.replace("first", "second"));
  assertEquals((await until(next, "second")).includes("first"), false);
});

Deno.test("a viewer sets the size when it attaches, and later", async () => {
  await using agent = await createTestAgent({ plugins: [terminals] });
  const command = encodeURIComponent("trap 'stty size' WINCH; stty size; while :; do sleep 0.01; done");
  const socket = await agent.webSocket(`/api/v0/pty?id=${ID}&width=91&height=31&command=${command}`);
  await until(socket, "31 91");

  say(socket, { width: 101, height: 41 });

  await until(socket, "41 101");
});

Deno.test("a terminal without a viewer ends when its time is up", async () => {
  await using agent = await createTestAgent({ plugins: [terminals], config: { terminals: { idleMs: 60_000 } } });
  const socket = await agent.webSocket(CAT);
  say(socket, { data: "here\n" });
  await until(socket, "here");
  socket.close();
  await socket.closed;
  await agent.clock.untilSleeping();

  await agent.clock.advance(60_000);

  while (await agent.metric("agent_terminals_open") !== 0) await new Promise((resolve) => setImmediate(resolve));
});

Deno.test("attaching refuses a bad id, a bad size and one terminal too many", async () => {
  await using agent = await createTestAgent({ plugins: [terminals], config: { terminals: { maxTerminals: 1 } } });
  const socket = await agent.webSocket(CAT);
  await until(socket, "");
  const status = (path: string) => agent.webSocket(path).then(() => "opened", () => "refused");

  assertEquals(await status("/api/v0/pty?id=x"), "refused");
  assertEquals(await status(`/api/v0/pty?id=${ID}&width=0`), "refused");
  assertEquals(await status(CAT.replace("1111", "9999")), "refused");
});

Deno.test("attachQuery() takes the reference's name for the id, and viewerMessage() what may be left out", () => {
  const query = new Map([["reconnect", ID.toUpperCase()], ["command", "top"]]);

  assertEquals(attachQuery((name) => query.get(name)), { id: ID, size: { cols: 80, rows: 24 }, command: "top" });
  assertEquals(viewerMessage('{"data":"x"}'), { data: "x" });
  assertEquals(viewerMessage(new TextEncoder().encode('{"width":9,"height":8}')), {
    data: "",
    size: { cols: 9, rows: 8 },
  });
  assertEquals(viewerMessage('{"width":0,"height":8}'), { data: "" });
  assertEquals(["x", "1", '{"data":1}'].map(viewerMessage), [undefined, undefined, undefined]);
});

Deno.test("ScreenMirror draws the screen as it is, however it came about", async () => {
  using mirror = new ScreenMirror({ cols: 20, rows: 5 }, 10);

  await mirror.write(new TextEncoder().encode("wrong\r\x1b[2Kright\r\n"));

  assertStringIncludes(mirror.draw(), "right");
  assertEquals(mirror.draw().includes("wrong"), false);
});

Deno.test("utf8Locale() helps only where another character set would be used", () => {
  assertEquals(utf8Locale({ LANG: "C" }, "linux"), { LC_CTYPE: "C.UTF-8" });
  assertEquals(utf8Locale({}, "darwin"), { LC_CTYPE: "UTF-8" });
  assertEquals(utf8Locale({ LANG: "de_DE.UTF-8" }, "linux"), {});
  assertEquals(utf8Locale({ LC_ALL: "C" }, "linux"), {});
});
