import { assertEquals, assertStringIncludes } from "@std/assert";

import { conformance, createTestAgent, fake, type TestSocket } from "../../core/testing/mod.ts";
import { ConnectionReports } from "../controlplane/service.ts";
import { attachQuery, viewerMessage } from "./attach_query.ts";
import terminals from "./mod.ts";
import { TerminalViewers } from "./service.ts";
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

Deno.test("TerminalViewers counts who is attached and the bytes in both directions", async () => {
  await using agent = await createTestAgent({ plugins: [terminals] });
  const viewers = agent.service(TerminalViewers);
  assertEquals([viewers.count(), viewers.traffic()], [0, { received: 0, sent: 0 }]);
  const socket = await agent.webSocket(CAT);

  say(socket, { data: "here\n" });
  await until(socket, "here");
  const attached = viewers.count();
  const { received, sent } = viewers.traffic();
  socket.close();
  await socket.closed;

  assertEquals([attached, received], [1, JSON.stringify({ data: "here\n" }).length]);
  assertEquals(sent >= "here".length, true, String(sent));
  while (viewers.count() > 0) await new Promise((resolve) => setImmediate(resolve));
});

Deno.test("a message that is none is counted, and the log tells of it", async () => {
  await using agent = await createTestAgent({ plugins: [terminals] });
  const socket = await agent.webSocket(CAT);

  socket.send("no JSON");
  say(socket, { data: "still here\n" });
  await until(socket, "still here");

  assertEquals(await agent.metric("agent_reconnecting_pty_errors_total", { error_type: "input_writer" }), 1);
  assertEquals(agent.logs("debug").some(({ message }) => message === "message of a viewer not understood"), true);
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

Deno.test("viewers are reported with code 0 when they leave, and with 1 when the agent sends them away", async () => {
  const reports: string[] = [];
  const connected = (kind: string, address: string) => {
    reports.push(`${kind} from "${address}"`);
    return (status: number, reason: string) => reports.push(`${status} ${reason}`);
  };
  await using agent = await createTestAgent({
    plugins: [terminals],
    services: [fake(ConnectionReports, { connected })],
  });
  const leaving = await agent.webSocket(CAT);
  await until(leaving, "");
  leaving.close();
  await leaving.closed;
  while (reports.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const staying = await agent.webSocket(CAT);
  await until(staying, "");

  await agent.stop();

  const visit = 'reconnecting_pty from ""';
  assertEquals(reports, [visit, "0 ", visit, "1 server shutting down"]);
});

Deno.test("who comes back sees a full-screen program as it is, and the scrollback as far as it is kept", async () => {
  await using agent = await createTestAgent({
    plugins: [terminals],
    config: { terminals: { scrollbackBytes: 80 * 5 } },
  });
  const program = "stty -echo; seq 100; printf '\\033[?1049h\\033[5;10Hin the \\033[1mmiddle\\033[?25l'; read x; " +
    "printf '\\033[?1049l'; read x";
  const path = `${SHELL}&command=${encodeURIComponent(program)}`;
  const first = await agent.webSocket(path);
  await until(first, "middle");
  first.close();
  await first.closed;

  const second = await agent.webSocket(path);
  using seen = await ScreenMirror.open({ cols: 80, rows: 24 }, 0);
  await seen.write(new TextEncoder().encode(await until(second, "middle")));
  say(second, { data: "\n" });
  await until(second, "\x1b[?1049l");
  const third = await agent.webSocket(path);
  const lines = (await until(third, "100")).match(/\b\d+\b(?=\r)/g) ?? [];

  assertStringIncludes(seen.draw(), "\x1b[?1049h");
  assertStringIncludes(seen.draw(), "\x1b[?25l");
  // 23 lines on the screen, the last one empty, and five above it.
  assertEquals(lines[0], "73");
});

for (
  const [what, text] of Object.entries({
    "a line that was written over": "wrong\r\x1b[2Kright\r\n",
    "a full-screen program": "shell\x1b[?1049h\x1b[H\x1b[7mstatus\x1b[m\x1b[3;5Hx",
    "a hidden cursor": "\x1b[?25lhidden",
    "a scroll region": "one\r\ntwo\x1b[2;4r\x1b[3;7H",
    "a scroll region in origin mode": "\x1b[2;4r\x1b[?6h\x1b[2;7H",
    "mouse, paste and key modes": "\x1b[?2004h\x1b[?1h\x1b=\x1b[?1002h\x1b[?1006h",
    "colors that are still on": "\x1b[38;5;200;48;2;1;2;3mcolored ",
    "wide and combined characters": "中文 e\u0301 ✓ 🙂",
    "more lines than the screen has": Array.from({ length: 30 }, (_, n) => `line ${n}`).join("\r\n"),
    "a line that wraps": "x".repeat(45),
  })
) {
  Deno.test(`ScreenMirror draws ${what} so that drawing it again gives the same`, async () => {
    using mirror = await ScreenMirror.open({ cols: 20, rows: 5 }, 20 * 10);
    using again = await ScreenMirror.open({ cols: 20, rows: 5 }, 20 * 10);
    await mirror.write(new TextEncoder().encode(text));

    await again.write(new TextEncoder().encode(mirror.draw()));
    assertEquals(again.draw(), mirror.draw());

    // What comes next lands in the same place.
    for (const screen of [mirror, again]) await screen.write(new TextEncoder().encode("next\n\n\n\n"));
    assertEquals(again.draw(), mirror.draw());
  });
}

Deno.test("ScreenMirror keeps as many lines as its bytes hold, also when the size changes", async () => {
  using mirror = await ScreenMirror.open({ cols: 20, rows: 5 }, 200);
  await mirror.write(new TextEncoder().encode(Array.from({ length: 50 }, (_, n) => `line ${n}`).join("\r\n")));
  const first = () => /line \d+/.exec(mirror.draw())?.[0];

  assertEquals(first(), "line 35");
  mirror.resize({ cols: 40, rows: 5 });
  assertEquals(first(), "line 40");
});

Deno.test("utf8Locale() helps only where another character set would be used", () => {
  assertEquals(utf8Locale({ LANG: "C" }, "linux"), { LC_CTYPE: "C.UTF-8" });
  assertEquals(utf8Locale({}, "darwin"), { LC_CTYPE: "UTF-8" });
  assertEquals(utf8Locale({ LANG: "de_DE.UTF-8" }, "linux"), {});
  assertEquals(utf8Locale({ LC_ALL: "C" }, "linux"), {});
});
