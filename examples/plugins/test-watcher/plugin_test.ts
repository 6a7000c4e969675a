import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";

import { conformance, createTestAgent, fake, runCommand, type TestSocket } from "@outpost/agent/testing";
import { AuditTrail } from "../audit-trail/service.ts";
import testWatcher from "./mod.ts";
import { RunHistory, type TestRun } from "./run_history.ts";
import { watchTests } from "./start.ts";

const quiet = Deno.makeTempDirSync({ prefix: "outpost-watch-" });
addEventListener("unload", () => Deno.removeSync(quiet, { recursive: true }));

conformance(testWatcher, {
  config: { directory: quiet, command: "true" },
  optionalServices: [fake(AuditTrail, { record: () => Promise.resolve() })],
});

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-watch-" }));
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The next run in this state. */
async function until(socket: TestSocket, state: TestRun["state"]): Promise<TestRun> {
  for (;;) {
    const run = JSON.parse(String(await socket.next())) as TestRun;
    if (run.state === state) return run;
  }
}

Deno.test("test-watcher runs the command when a file changes, and shows it live", () =>
  inDirectory(async (directory) => {
    const config = { directory, command: 'cat state; test "$(cat state)" = good', settleMs: 0, ignore: ["noise"] };
    await Deno.writeTextFile(join(directory, "state"), "good");
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: { "test-watcher": config },
      time: "real",
    });
    const socket = await agent.webSocket("/api/v0/test-watcher/live");

    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();
    strictEqual((await until(socket, "passed")).output, "good");
    await Deno.writeTextFile(join(directory, "state"), "bad");
    const failed = await until(socket, "failed");

    deepStrictEqual([failed.exitCode, failed.changed], [1, [join(directory, "state")]]);
    const { runs } = await (await agent.get("/api/v0/test-watcher")).json();
    strictEqual(runs.at(-1).state, "failed");
    strictEqual(await agent.metric("agent_test_watcher_runs_total", { outcome: "passed" }), 1);
  }));

Deno.test("test-watcher ends a run that takes too long, and all it started", () =>
  inDirectory(async (directory) => {
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: {
        "test-watcher": { directory, command: "sleep 600 & echo $TEST_WATCHER; sleep 600", runMs: 200, settleMs: 0 },
      },
      time: "real",
    });
    const socket = await agent.webSocket("/api/v0/test-watcher/live");
    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();

    const stopped = await until(socket, "stopped");

    deepStrictEqual([stopped.exitCode, stopped.endedBy], [undefined, "SIGTERM"]);
    strictEqual(stopped.output, "1\n", "its children know that they are watched");
  }));

Deno.test("test-watcher takes another command in place, and another directory with a new life", () =>
  inDirectory(async (directory) => {
    const config = { directory, command: "true", settleMs: 0 };
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: { "test-watcher": config },
      time: "real",
    });
    const reload = async (change: object) =>
      (await agent.reload({ config: { "test-watcher": { ...config, ...change } } })).plugins[0]?.action;

    strictEqual(await reload({ command: "echo new" }), "reconfigured");
    const socket = await agent.webSocket("/api/v0/test-watcher/live");
    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();
    strictEqual((await until(socket, "passed")).output, "new\n");
    strictEqual(await reload({ ignore: ["other"] }), "restarted");
    strictEqual((await socket.closed).code, 1001);
  }));

Deno.test("test-watcher is degraded while what it watches is missing", async () => {
  await using agent = await createTestAgent({
    plugins: [testWatcher],
    config: { "test-watcher": { directory: "/nowhere/at/all", command: "true" } },
    ignoreErrors: true,
  });
  await agent.untilState("test-watcher", "degraded");

  match(agent.health("test-watcher").reason ?? "", /watch files/);
});

Deno.test("RunHistory keeps the newest runs, and shows a watcher the present one first", async () => {
  const history = new RunHistory(() => 2);
  const run = (number: number): TestRun => ({ number, state: "passed", startedAt: 0, output: "", changed: [] });
  for (const number of [1, 2, 3]) history.put(run(number));
  const stop = new AbortController();
  const watched = history.watch(stop.signal);

  deepStrictEqual(history.runs.map(({ number }) => number), [2, 3]);
  strictEqual((await watched.next()).value?.number, 3);
  const next = watched.next();
  history.put(run(4));
  strictEqual((await next).value?.number, 4);
  stop.abort();
  strictEqual((await watched.next()).done, true);
});

Deno.test("test-watcher hands the command what changed, and keeps its errors apart", () =>
  inDirectory(async (directory) => {
    const recorded: unknown[] = [];
    const record = (kind: string, data: object) => Promise.resolve(void recorded.push([kind, data]));
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: {
        "test-watcher": { directory, command: "cat; echo noise >&2; exit 3", settleMs: 0, separateErrors: true },
      },
      services: [fake(AuditTrail, { record })],
      time: "real",
    });
    const socket = await agent.webSocket("/api/v0/test-watcher/live");

    const asked = await (await agent.post("/api/v0/test-watcher/run")).json();
    const { number, exitCode, output, errors } = await until(socket, "failed");

    deepStrictEqual({ number, exitCode, output, errors }, {
      ...{ number: asked.run, exitCode: 3, output: "asked for\n", errors: "noise\n" },
    });
    deepStrictEqual(recorded, [["tests.run", { number: 1, state: "failed", changed: ["asked for"] }]]);
    strictEqual(await agent.metric("agent_test_watcher_passing"), 0);
  }));

Deno.test("test-watcher runs the command on a terminal that viewers type into and resize", () =>
  inDirectory(async (directory) => {
    const terminal = { cols: 40, rows: 10 };
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: {
        "test-watcher": {
          ...{ directory, terminal, settleMs: 0 },
          command: "echo on $TERM; read word; echo got $word; stty size",
        },
      },
      time: "real",
    });
    const socket = await agent.webSocket("/api/v0/test-watcher/live");
    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();
    await until(socket, "running");

    // The size first: the command reads a line, looks, and reads again.
    socket.send(JSON.stringify({ resize: { cols: 60, rows: 20 } }));
    socket.send(JSON.stringify({ type: "hello\n" }));
    const { output } = await until(socket, "passed");

    match(output, /on xterm-256color[^]*got hello\r\n20 60\r\n$/);
    socket.send("nonsense");
    strictEqual((await socket.closed).code, 1008);
  }));

Deno.test("test-watcher holds a run to its memory", () =>
  inDirectory(async (directory) => {
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: {
        "test-watcher": {
          directory,
          command: "tail /dev/zero",
          settleMs: 0,
          limits: { memoryBytes: 64 * 1024 * 1024 },
        },
      },
      time: "real",
    });
    const socket = await agent.webSocket("/api/v0/test-watcher/live");
    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();

    const { outOfMemory, limitedBy, output } = await until(socket, "failed");

    // A control group ends it; a bound on its address space makes it give up.
    if (outOfMemory) match(limitedBy ?? "", /^cgroup/);
    else match(output, /memory/);
  }));

Deno.test("outpost test-watcher shows the latest run, and doctor has its check", () =>
  inDirectory(async (directory) => {
    const unix = join(directory, "agent.sock");
    const watched = await Deno.makeTempDir({ dir: directory });
    await using agent = await createTestAgent({
      plugins: [testWatcher],
      config: { "test-watcher": { directory: watched, command: "echo no; exit 1", settleMs: 0 } },
      agent: { listen: { tcp: null, unix } },
      time: "real",
    });
    const outpost = (...args: string[]) => runCommand([testWatcher], args, { env: { OUTPOST_SOCKET: unix } });

    const before = await outpost("test-watcher");
    const socket = await agent.webSocket("/api/v0/test-watcher/live");
    await (await agent.post("/api/v0/test-watcher/run")).body?.cancel();
    await until(socket, "failed");
    const after = await outpost("test-watcher");

    deepStrictEqual([before.exitCode, before.output], [0, "No run yet\n"]);
    deepStrictEqual([after.exitCode, after.output], [1, "no\nrun 1: failed\n"]);
    const doctor = JSON.parse((await outpost("doctor", "--json")).output) as { check: string; found: string }[];
    match(doctor.find(({ check }) => check === "test-watcher: inotify")?.found ?? "", /watch/);
  }));

Deno.test("outpost watch-tests is the agent with settings for one command", async () => {
  const settings = (await watchTests.load())({
    flag: (name) => ({ run: ["deno test"], ignore: ["out"] })[name] ?? [],
    ...{ env: {}, cwd: "/project", plugins: new Set(["test-watcher"]) },
  });
  const { config } = (settings.defaults.plugins as Record<string, { config: object }>)["test-watcher"]!;

  await using agent = await createTestAgent({
    plugins: [testWatcher],
    config: { "test-watcher": { ...config, directory: quiet } },
  });

  strictEqual(agent.state("test-watcher"), "running");
  deepStrictEqual(config, { directory: "/project", command: "deno test", ignore: ["out"] });
});
