import { assertEquals, assertStringIncludes } from "@std/assert";

import { RecordedIo } from "../../core/cli/recorded_io.ts";
import { run } from "../../core/cli/run.ts";
import type { CommandContext } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import { SocketAgent } from "./_fixture.ts";
import agentsocket from "./mod.ts";
import { syncStart } from "./commands/sync_start.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runCommand(path: string, ...args: string[]): Promise<Outcome> {
  const io = new RecordedIo({ env: { CODER_AGENT_SOCKET_PATH: path } });
  const program = { build: { name: "outpost", version: "1.2.3" }, plugins: [agentsocket], invocation: "outpost" };
  const code = await run(["sync", ...args], io, program);
  return { code, out: io.output, err: io.errors };
}

/** Runs each line against one agent; a line that fails fails the test. */
async function outputs(path: string, ...lines: string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const line of lines) {
    const { code, out, err } = await runCommand(path, ...line.split(" "));
    assertEquals([code, err], [0, ""], line);
    texts.push(out);
  }
  return texts;
}

Deno.test("sync ping, want, start and complete say what they did", async () => {
  await using socket = await SocketAgent.start();

  const texts = await outputs(
    socket.path,
    "ping",
    "start alone",
    "want web db cache",
    "start db",
    "complete db",
    "start cache",
    "complete cache",
    "start web --timeout 10s",
  );

  assertEquals(texts, [
    "Success\n",
    'Unit "alone" started with no dependencies\n',
    'Unit "web" declared dependencies: [db, cache]\n',
    'Unit "db" started with no dependencies\n',
    "Success\n",
    'Unit "cache" started with no dependencies\n',
    "Success\n",
    'Unit "web" started immediately, dependencies already satisfied: [cache, db]\n',
  ]);
});

Deno.test("sync status shows a unit, its dependencies, and what is not registered", async () => {
  await using socket = await SocketAgent.start();

  const [, unknown, , alone, table, json] = await outputs(
    socket.path,
    "want web db",
    "status nothing",
    "start alone",
    "status alone",
    "status web",
    "status web --output json",
  );

  assertEquals(unknown, "Unit: nothing\nStatus: not registered\nReady: true\n\nDependencies:\nNo dependencies found\n");
  assertEquals(alone, "Unit: alone\nStatus: started\nReady: true\n\nDependencies:\nNo dependencies found\n");
  assertEquals(
    table,
    [
      "Unit: web",
      "Status: pending",
      "Ready: false",
      "",
      "Dependencies:",
      "DEPENDS ON  REQUIRED STATUS  CURRENT STATUS  SATISFIED",
      "db          completed        not registered  false",
      "",
    ].join("\n"),
  );
  assertEquals(JSON.parse(json!), {
    unit_name: "web",
    status: "pending",
    is_ready: false,
    dependencies: [{ depends_on: "db", required_status: "completed", current_status: "", is_satisfied: false }],
  });
});

Deno.test("sync list shows all units, sorted, as a table or JSON", async () => {
  await using socket = await SocketAgent.start();

  const [none, noneAsJson, , , table, json] = await outputs(
    socket.path,
    "list",
    "list --output json",
    "want web db",
    "start api",
    "list",
    "list --output=json",
  );

  assertEquals([none, noneAsJson], ["No units registered\n", "[]\n"]);
  assertEquals(table, "UNIT  STATUS   READY\napi   started  true\nweb   pending  false\n");
  assertEquals(JSON.parse(json!), [
    { unit_name: "api", status: "started", is_ready: true },
    { unit_name: "web", status: "pending", is_ready: false },
  ]);
});

Deno.test("sync commands fail with 1 and say which call failed", async () => {
  await using socket = await SocketAgent.start();
  await outputs(socket.path, "start db", "want web other");

  for (
    const [line, text] of [
      ["start db", 'start unit failed: cannot start unit "db": same status already set'],
      [
        "want other web",
        'declare dependency failed: cannot add dependency: failed to add dependency: cycle detected: "other" -> "web" -> "other"',
      ],
      ["complete nothing", 'complete unit failed: cannot complete unit "nothing": '],
    ] as const
  ) {
    const { code, out, err } = await runCommand(socket.path, ...line.split(" "));
    assertEquals([code, out], [1, ""], line);
    assertStringIncludes(err, text);
  }
});

Deno.test("sync commands fail with 1 when nobody answers, and with 2 when they are typed wrong", async () => {
  for (const line of ["ping", "start a", "want a b", "complete a", "status a", "list"]) {
    const { code, err } = await runCommand("/nonexistent/agent.sock", ...line.split(" "));
    assertEquals(code, 1, line);
    assertStringIncludes(err, "connect to agent socket: /nonexistent/agent.sock: ");
  }
  for (
    const line of ["start", "want a", "status a --output yaml", "start a --timeout soon", "ping --what", "nothing"]
  ) {
    const { code } = await runCommand("/nonexistent/agent.sock", ...line.split(" "));
    assertEquals(code, 2, line);
  }
});

Deno.test("--socket-path wins over the environment", async () => {
  await using socket = await SocketAgent.start();

  const { code, out } = await runCommand("/nonexistent/agent.sock", "ping", "--socket-path", socket.path);

  assertEquals([code, out], [0, "Success\n"]);
});

/** A command with a clock that stands still, and what it has written. */
function started(path: string, args: string[], signal = new AbortController().signal) {
  const clock = new VirtualClock();
  const io = new RecordedIo();
  const ctx: CommandContext = {
    args: [...args, "--socket-path", path],
    env: {},
    input: null,
    cwd: "/",
    signal,
    out: (text) => io.out(text),
    err: (text) => io.err(text),
    agent: () => Promise.reject(new Error("not needed")),
    run: () => Promise.reject(new Error("not needed")),
  };
  return { clock, io, done: syncStart(ctx, clock) };
}

Deno.test("sync start waits for dependencies, asking every second", async () => {
  await using socket = await SocketAgent.start();
  await outputs(socket.path, "want web db cache", "start db", "complete db");

  const { clock, io, done } = started(socket.path, ["web"]);
  await clock.untilSleeping();
  await clock.advance(1000);
  await clock.untilSleeping();
  await outputs(socket.path, "start cache", "complete cache");
  await clock.advance(1000);

  assertEquals(await done, 0);
  assertEquals(
    io.output,
    'Unit "web" is waiting for dependencies to be satisfied: [cache, db]\n' +
      'Unit "web" finished waiting for dependencies: [cache, db]\n',
  );
});

Deno.test("sync start gives up after its timeout and starts nothing", async () => {
  await using socket = await SocketAgent.start();
  await outputs(socket.path, "want web db");

  const { clock, done } = started(socket.path, ["web", "--timeout", "1500ms"]);
  const failure = done.catch((error) => error.message);
  for (const ms of [1000, 500]) {
    await clock.untilSleeping();
    await clock.advance(ms);
  }

  assertEquals(await failure, "timeout waiting for dependencies of unit 'web'");
  assertEquals((await outputs(socket.path, "list"))[0], "UNIT  STATUS   READY\nweb   pending  false\n");
});

Deno.test("sync start ends when it is interrupted", async () => {
  await using socket = await SocketAgent.start();
  await outputs(socket.path, "want web db");
  const abort = new AbortController();

  const { clock, done } = started(socket.path, ["web"], abort.signal);
  const failure = done.catch((error) => error);
  await clock.untilSleeping();
  abort.abort(new DOMException("Ended by SIGINT", "AbortError"));

  assertEquals((await failure).name, "AbortError");
});
