/** Scripts, the reported lifecycle and a control plane together, over the real protocol. */
import { userInfo } from "node:os";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import {
  Agent,
  Lifecycle_State,
  Log_Level,
  type Timing,
  Timing_Stage,
  Timing_Status,
} from "../core/proto/gen/agent_pb.ts";
import { RpcError } from "../core/rpc/drpc/error.ts";
import type { Awaitable } from "../core/plugin.ts";
import { TestControlPlane } from "../core/testing/control_plane.ts";
import { createTestAgent } from "../core/testing/test_agent.ts";
import { uuidBytes, uuidText } from "../core/uuid.ts";
import controlplane from "../plugins/controlplane/mod.ts";
import scripts from "../plugins/scripts/mod.ts";

const SOURCE = "21020304-0506-0708-090a-0b0c0d0e0f10";
const SCRIPT = "31020304-0506-0708-090a-0b0c0d0e0f10";

interface Run {
  readonly plane: TestControlPlane;
  readonly directory: string;
  lines(): readonly string[];
  timings(): readonly Timing[];
  states(): readonly string[];
}

function planeWith(
  script: Record<string, unknown>,
  directory: string,
  createLogs?: () => Record<string, unknown>,
  manifest: Record<string, unknown> = {},
  scriptCompleted: () => Awaitable<Record<string, unknown>> = () => ({}),
): Run {
  const plane = new TestControlPlane().serve(Agent, {
    getManifest: () => ({
      agentId: uuidBytes("01020304-0506-0708-090a-0b0c0d0e0f10"),
      ...manifest,
      scripts: [{ id: uuidBytes(SCRIPT), logSourceId: uuidBytes(SOURCE), logPath: join(directory, "log"), ...script }],
    }),
    updateStartup: () => ({}),
    updateLifecycle: () => ({}),
    getAnnouncementBanners: () => ({}),
    scriptCompleted,
    batchCreateLogs: createLogs ?? (() => ({})),
  });
  const requests = (method: string) => plane.calls.filter((call) => call.method === method).map((call) => call.request);
  return {
    plane,
    directory,
    lines: () =>
      requests("BatchCreateLogs").flatMap(({ logs }) =>
        logs.map(({ level, output }: { level: Log_Level; output: string }) => `${Log_Level[level]} ${output}`)
      ),
    timings: () => requests("ScriptCompleted").map(({ timing }) => timing),
    states: () =>
      requests("UpdateLifecycle").map(({ lifecycle }) => Lifecycle_State[lifecycle.state as Lifecycle_State]!),
  };
}

async function withAgent(
  script: Record<string, unknown>,
  test: (run: Run, agent: Awaited<ReturnType<typeof createTestAgent>>) => Promise<void>,
  createLogs?: () => Record<string, unknown>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const run = planeWith(script, directory, createLogs);
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    agent: { scriptDataDir: directory },
  });
  try {
    await test(run, agent);
  } finally {
    await agent[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("scripts runs a start script, sends its lines by stream, writes its file, and reports how it went", async () => {
  const script = 'printf "one\\r\\ntwo"; echo bad >&2; echo "$CODER_SCRIPT_DATA_DIR $CODER_SCRIPT_BIN_DIR"';
  await withAgent({ script, runOnStart: true }, async (run, agent) => {
    await until(agent, () => run.states().includes("READY") && run.timings().length === 1 && run.lines().length >= 3);

    const info = run.lines().filter((line) => line.startsWith("INFO"));
    assertEquals(info[0], "INFO one");
    assertMatch(info[1] ?? "", /^INFO two.*coder-script-data\/21020304.* .*coder-script-data\/bin$/);
    assertEquals(run.lines().includes("ERROR bad"), true);
    assertStringIncludes(await Deno.readTextFile(join(run.directory, "log")), "one\r\ntwo");
    assertEquals(uuidText((await run.plane.untilCalled("BatchCreateLogs"))[0].logSourceId), SOURCE);
    const [timing] = run.timings();
    assertEquals([timing?.stage, timing?.status, timing?.exitCode], [Timing_Stage.START, Timing_Status.OK, 0]);
    const [start, end] = [timing?.start, timing?.end].map((time) => Number(time?.seconds) * 1e9 + time!.nanos);
    assertEquals(start! > 0 && start! <= end!, true, `${start} to ${end}`);
  });
});

Deno.test("scripts makes a failing start script a start error, with its exit code", async () => {
  await withAgent({ script: "exit 7", runOnStart: true }, async (run, agent) => {
    await run.plane.until(() => run.states().includes("START_ERROR") && run.timings().length === 1);

    assertEquals([run.timings()[0]?.status, run.timings()[0]?.exitCode], [Timing_Status.EXIT_FAILURE, 7]);
    assertEquals(await agent.metric("agent_scripts_executed_total", { success: "false" }), 1);
  });
});

Deno.test("scripts hangs up on a script at its timeout, kills one that does not listen, and reports a start timeout", async () => {
  const script = 'trap "echo hung up" HUP; echo ready; while true; do sleep 60 & wait; done';
  await withAgent({ script, runOnStart: true, timeout: { seconds: 5n } }, async (run, agent) => {
    await untilLines(run, agent, 1);
    await agent.clock.advance(5_000);
    await untilLines(run, agent, 2);
    await agent.clock.advance(30_000);
    await run.plane.until(() => run.states().includes("START_TIMEOUT") && run.timings().length === 1);

    assertEquals(run.lines(), ["INFO ready", "INFO hung up"]);
    assertEquals(run.timings()[0]?.status, Timing_Status.TIMED_OUT);
  });
});

Deno.test("scripts does not wait for a background child that holds the output, and says so", async () => {
  await withAgent({ script: "sleep 300 & echo done", runOnStart: true }, async (run, agent) => {
    await untilLines(run, agent, 1);
    // How it went and what it said go different ways, and arrive in either order.
    while (run.timings().length === 0 || run.lines().length < 2) await agent.clock.advance(1_000);

    assertEquals(run.timings()[0]?.status, Timing_Status.PIPES_LEFT_OPEN);
    assertEquals(run.timings()[0]?.exitCode, 0);
    assertStringIncludes(run.lines()[1]!, "WARNING: the script has ended");
  });
});

Deno.test("scripts runs stop scripts before the agent is off, and their lines arrive", async () => {
  const directory = await Deno.makeTempDir();
  const run = planeWith({ script: "echo goodbye", runOnStop: true }, directory);
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    agent: { scriptDataDir: directory },
  });
  await run.plane.until(() => run.states().includes("READY"));

  const stopped = agent.stop();
  await untilLines(run, agent, 1);
  await stopped;

  assertEquals(run.lines(), ["INFO goodbye"]);
  assertEquals(run.states(), ["STARTING", "READY", "SHUTTING_DOWN", "OFF"]);
  assertEquals(run.timings()[0]?.stage, Timing_Stage.STOP);
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
});

/** Lets the agent run in real time: its end waits for the last lines, however long a loaded machine takes for them. */
async function stopWith(
  script: Record<string, unknown>,
  scriptCompleted?: () => Awaitable<Record<string, unknown>>,
): Promise<Run> {
  const directory = await Deno.makeTempDir();
  const run = planeWith({ ...script, runOnStop: true }, directory, undefined, {}, scriptCompleted);
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    config: { controlplane: { lastWordsMs: 60_000 }, scripts: { graceMs: 200 } },
    agent: { scriptDataDir: directory, shutdown: { drainMs: 120_000, totalMs: 120_000 } },
    time: "real",
  });
  await run.plane.until(() => run.states().includes("READY"));
  await agent.stop();
  await agent.stop();
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
  return run;
}

Deno.test("scripts loses none of 3000 lines of a stop script, and keeps their order", async () => {
  const run = await stopWith({ script: 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done' });

  assertEquals(run.lines(), Array.from({ length: 3000 }, (_, index) => `INFO line ${index}`));
  assertEquals(run.states(), ["STARTING", "READY", "SHUTTING_DOWN", "OFF"]);
});

Deno.test("scripts reports a stop script that fails, or takes too long, as the agent's last state, and runs it once", async () => {
  const failing = await stopWith({ script: "echo once; exit 3" });
  const slow = await stopWith({ script: "echo once; sleep 1000", timeout: { nanos: 300_000_000 } });

  assertEquals([failing.states().at(-1), slow.states().at(-1)], ["SHUTDOWN_ERROR", "SHUTDOWN_TIMEOUT"]);
  assertEquals([failing.lines(), slow.lines()], [["INFO once"], ["INFO once"]]);
  assertEquals([failing.timings().length, failing.timings()[0]?.exitCode], [1, 3]);
});

Deno.test("scripts waits until the control plane has heard how a stop script went", async () => {
  let isHeard = false;
  await stopWith({ script: "true" }, async () => {
    // deno-lint-ignore outpost/no-sleep -- the lateness of the answer is the subject
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    isHeard = true;
    return {};
  });

  assertEquals(isHeard, true);
});

Deno.test("scripts reports a script that cannot even be prepared as failed, and runs it once it can be", async () => {
  const directory = await Deno.makeTempDir();
  const data = join(directory, "data");
  await Deno.writeTextFile(data, "in the way");
  const run = planeWith({ script: "true", runOnStart: true, runOnStop: true }, directory);
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    agent: { scriptDataDir: data },
    time: "real",
  });
  await run.plane.until(() => run.states().includes("START_ERROR") && run.timings().length === 1);
  await Deno.remove(data);
  await agent.stop();
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });

  assertEquals(run.timings().map(({ exitCode }) => exitCode), [255, 0]);
  assertEquals(run.states().at(-1), "OFF");
});

Deno.test("scripts gives start scripts the manifest's secrets, in the environment and in files", async () => {
  const directory = await Deno.makeTempDir();
  const value = new TextEncoder().encode("s3cret");
  const secrets = [{ envName: "API_KEY", value }, { filePath: join(directory, "key"), value }];
  const script = `test "$API_KEY" = "$(cat ${join(directory, "key")})" && echo "$API_KEY"`;
  const run = planeWith({ script, runOnStart: true }, directory, undefined, { secrets });
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    agent: { scriptDataDir: directory },
  });

  await untilLines(run, agent, 1);

  assertEquals(run.lines(), ["INFO s3cret"]);
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("scripts repeats a script at the times of its cron expression", async () => {
  await withAgent({ script: "echo tick", cron: "0 */5 * * * *" }, async (run, agent) => {
    await run.plane.until(() => run.states().includes("READY"));
    // In small steps: the process and the calls take real time and have to keep up. A minute at once is more than the 30 s that the control
    // plane has for an answer, so that calls under way are given up and made again; and it can begin one more run at the very end, whose
    // lines are then sent while the agent stops.
    for (let count = 1; count <= 2; count++) {
      while (run.timings().length < count) await agent.clock.advance(1_000);
    }

    assertEquals(run.timings().map(({ stage }) => stage).slice(0, 2), [Timing_Stage.CRON, Timing_Stage.CRON]);
  });
});

Deno.test("scripts lets the lines of a run arrive when the agent stops, although time stands still", async () => {
  let lines: () => readonly string[] = () => [];
  await withAgent({ script: "echo tick", runOnStart: true }, async (run) => {
    lines = run.lines;
    await run.plane.until(() => run.states().includes("READY") && run.timings().length === 1);
  });

  assertEquals(lines(), ["INFO tick"]);
});

Deno.test("scripts reports a run again when the connection was lost before the answer", async () => {
  const directory = await Deno.makeTempDir();
  let isFirst = true;
  const run: Run = planeWith({ script: "exit 3", runOnStart: true }, directory, undefined, {}, async () => {
    if (isFirst) {
      isFirst = false;
      await run.plane.disconnect();
    }
    return {};
  });
  const agent = await createTestAgent({
    plugins: [controlplane, scripts],
    controlPlane: run.plane,
    agent: { scriptDataDir: directory },
  });
  await until(agent, () => run.timings().length === 2 && run.states().includes("START_ERROR"));
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });

  const [lost, again] = run.timings();
  assertEquals([again?.start, again?.end, again?.exitCode], [lost?.start, lost?.end, 3]);
});

Deno.test("scripts runs a script by the interpreter of its first line", async () => {
  await withAgent(
    { script: '#!/bin/sh -e\necho "$0 runs"\nfalse\necho never', runOnStart: true },
    async (run, agent) => {
      await until(agent, () => run.states().includes("START_ERROR") && run.lines().length === 1);

      assertEquals(run.timings()[0]?.exitCode, 1);
    },
  );
});

Deno.test("scripts keeps lines that could not be sent for the next connection", async () => {
  let isFirst = true;
  const createLogs = () => {
    if (!isFirst) return {};
    isFirst = false;
    throw new RpcError("database is away");
  };
  await withAgent({ script: "echo kept", runOnStart: true }, async (run, agent) => {
    while (run.lines().length < 2) await agent.clock.advance(1_000);

    assertEquals(run.lines(), ["INFO kept", "INFO kept"]);
  }, createLogs);
});

Deno.test("scripts sends no more once the control plane says that it takes no more", async () => {
  const createLogs = () => ({ logLimitExceeded: true });
  await withAgent({ script: "echo one", runOnStart: true }, async (run, agent) => {
    await untilLines(run, agent, 1);
    await run.plane.until(() => run.states().includes("READY"));
    await agent.clock.advance(5_000);

    assertEquals(run.lines(), ["INFO one"]);
    assertEquals(agent.logs("warn").some(({ message }) => message === "script logs end here"), true);
  }, createLogs);
});

type TestAgent = Awaited<ReturnType<typeof createTestAgent>>;

/** Moves the clock in small steps until `isTrue`: the sender looks every 250 ms. */
async function until(agent: TestAgent, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await agent.clock.advance(1);
}

async function untilLines(run: Run, agent: TestAgent, count: number): Promise<void> {
  await until(agent, () => run.lines().length >= count);
}

Deno.test("scripts gives a script the login variables that the agent itself lacks", async () => {
  await withAgent(
    { script: 'echo "$USER $LOGNAME"; test -x "$SHELL" && echo shell', runOnStart: true },
    async (run, agent) => {
      await untilLines(run, agent, 2);

      const name = userInfo().username;
      assertEquals(run.lines(), [`INFO ${name} ${name}`, "INFO shell"]);
    },
  );
});
