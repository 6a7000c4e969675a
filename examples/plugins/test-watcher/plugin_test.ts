import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";

import { conformance, createTestAgent, type TestSocket } from "@outpost/agent/testing";
import testWatcher from "./mod.ts";
import { RunHistory, type TestRun } from "./run_history.ts";

const quiet = Deno.makeTempDirSync({ prefix: "outpost-watch-" });
addEventListener("unload", () => Deno.removeSync(quiet, { recursive: true }));

conformance(testWatcher, { config: { directory: quiet, command: "true" } });

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

    strictEqual(stopped.exitCode, undefined);
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
