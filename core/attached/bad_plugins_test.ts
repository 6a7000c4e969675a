/** Every way to misbehave at every edge of an attached plugin's life, all at once beside a good plugin. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { definePlugin } from "../plugin.ts";
import type { State } from "../lifecycle.ts";
import { createTestAgent, type TestAgent } from "../testing/mod.ts";

const BY_HAND = fromFileUrl(new URL("./testdata/typed_by_hand.ts", import.meta.url));

/** Those that the agent cannot go on with, wherever they happen. */
const FATAL = ["throw", "exit", "kill", "garbage", "endless", "cut"];
const BEARABLE = ["late", "leak", "flood"];
const BEHAVIOURS = [...FATAL, ...BEARABLE, "hang"];

const neighbour = definePlugin({
  ...{ id: "neighbour", version: "1.0.0", api: 1, summary: "Behaves.", stability: "stable" },
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text("well"));
    ctx.metrics.gauge("mood", { help: "Always 1, as a neighbour should be." }).set(1);
  },
});

async function startAll(edge: string, mark: string): Promise<TestAgent> {
  const entries = BEHAVIOURS.map((behaviour) => [`bad-${behaviour}`, {
    from: `exec:${Deno.execPath()}`,
    args: ["run", "-A", "--no-config", "--no-lock", BY_HAND, `${behaviour}@${edge}`, `bad-${behaviour}`],
    env: ["TEST_MARK"],
  }]);
  return await createTestAgent({
    plugins: [neighbour],
    entries: Object.fromEntries(entries),
    env: { PATH: "/usr/bin:/bin", HOME: "/tmp", TEST_MARK: mark },
    agent: {
      // What hangs uses a deadline up; the others must not come near it on a slow machine.
      deadlines: { setupMs: 8000, startMs: 8000, stopMs: 30_000 },
      shutdown: { drainMs: 500, totalMs: 60_000 },
      http: { handlerMs: 1000 },
    },
    time: "real",
    ignoreErrors: true,
  });
}

async function assertNeighbourIsWell(agent: TestAgent): Promise<void> {
  assertEquals(await (await agent.get("/api/v0/neighbour")).text(), "well");
  assertEquals(await agent.metric("agent_neighbour_mood"), 1);
  assertEquals(agent.state("neighbour"), "running");
}

/** States of the bad ones by behaviour, when those that have to fail have failed. */
async function settledStates(agent: TestAgent, failing: readonly string[]): Promise<Record<string, State>> {
  for (const behaviour of failing) await agent.untilState(`bad-${behaviour}`, "failed");
  return Object.fromEntries(BEHAVIOURS.map((behaviour) => [behaviour, agent.state(`bad-${behaviour}`)]));
}

/** Processes that came from an agent whose environment had this mark. */
function processesWith(mark: string): readonly string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => {
    try {
      return /^\d+$/.test(name) && Deno.readTextFileSync(`/proc/${name}/environ`).includes(mark);
    } catch {
      return false; // Gone, or of another user.
    }
  });
}

function expected(failing: readonly string[]): Record<string, State> {
  return Object.fromEntries(
    BEHAVIOURS.map((behaviour) => [behaviour, failing.includes(behaviour) ? "failed" : "running"]),
  );
}

const EDGES: readonly {
  readonly edge: string;
  readonly failing: readonly string[];
  readonly act?: (agent: TestAgent) => Promise<void>;
}[] = [
  { edge: "connected", failing: [...FATAL, "hang"] },
  { edge: "manifest", failing: [...FATAL, "hang"] },
  { edge: "ready", failing: [...FATAL, "hang"] },
  // One that hangs is found by its ping, 10 s later; here it is stopped before.
  { edge: "running", failing: FATAL },
  { edge: "request", failing: FATAL.filter((each) => each !== "throw"), act: askEach },
  { edge: "drained", failing: [] },
  { edge: "stop", failing: [] },
];

/** Every request is answered, by the plugin or for it. */
async function askEach(agent: TestAgent): Promise<void> {
  await Promise.all(BEHAVIOURS.map(async (behaviour) => {
    const response = await agent.get(`/api/v0/bad-${behaviour}`);
    await response.body?.cancel();
    assert([200, 500, 502, 503].includes(response.status), `${behaviour}: ${response.status}`);
  }));
}

for (const { edge, failing, act } of EDGES) {
  Deno.test({
    name: `a plugin that misbehaves at "${edge}" harms neither its neighbour nor the agent: ${BEHAVIOURS.join(", ")}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const mark = crypto.randomUUID();
      await using agent = await startAll(edge, mark);
      await act?.(agent);

      const states = await settledStates(agent, failing);

      await assertNeighbourIsWell(agent);
      assertEquals(states, expected(failing));
      const report = await agent.stop();
      assertEquals(agent.state("neighbour"), "stopped");
      assertEquals(report.unfinished.filter(({ plugin }) => plugin === "neighbour"), []);
      assertEquals(processesWith(mark), []);
    },
  });
}
