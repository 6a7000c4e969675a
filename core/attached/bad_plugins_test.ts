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

/** Nobody comes near it on a slow machine, where ten programs start at once. */
const AMPLE_MS = 120_000;
/** What hangs uses it up. */
const SHORT_MS = 3000;

async function startAll(
  behaviours: readonly string[],
  { edge, mark, ms }: { readonly edge: string; readonly mark: string; readonly ms: number },
): Promise<TestAgent> {
  const entries = behaviours.map((behaviour) => [`bad-${behaviour}`, {
    from: `exec:${Deno.execPath()}`,
    args: ["run", "-A", "--no-config", "--no-lock", BY_HAND, `${behaviour}@${edge}`, `bad-${behaviour}`],
    env: ["TEST_MARK"],
  }]);
  return await createTestAgent({
    plugins: [neighbour],
    entries: Object.fromEntries(entries),
    env: { PATH: "/usr/bin:/bin", HOME: "/tmp", TEST_MARK: mark },
    agent: {
      deadlines: { setupMs: ms, startMs: ms, stopMs: 30_000 },
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
async function settledStates(
  agent: TestAgent,
  behaviours: readonly string[],
  failing: readonly string[],
): Promise<Record<string, State>> {
  for (const behaviour of behaviours) {
    if (failing.includes(behaviour)) await agent.untilState(`bad-${behaviour}`, "failed");
  }
  return Object.fromEntries(behaviours.map((behaviour) => [behaviour, agent.state(`bad-${behaviour}`)]));
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

function expected(behaviours: readonly string[], failing: readonly string[]): Record<string, State> {
  return Object.fromEntries(
    behaviours.map((behaviour) => [behaviour, failing.includes(behaviour) ? "failed" : "running"]),
  );
}

interface Edge {
  readonly edge: string;
  readonly failing: readonly string[];
  /** Those of them that only a deadline finds. */
  readonly silent?: readonly string[];
  readonly act?: (agent: TestAgent) => Promise<void>;
}

const EDGES: readonly Edge[] = [
  // Whoever cuts the connection before it has said who it is could be anybody.
  { edge: "connected", failing: [...FATAL, "hang"], silent: ["hang", "cut"] },
  { edge: "manifest", failing: [...FATAL, "hang"], silent: ["hang"] },
  { edge: "ready", failing: [...FATAL, "hang"], silent: ["hang"] },
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

async function check({ edge, failing, act }: Edge, behaviours: readonly string[], ms: number): Promise<void> {
  const mark = crypto.randomUUID();
  await using agent = await startAll(behaviours, { edge, mark, ms });
  await act?.(agent);

  const states = await settledStates(agent, behaviours, failing);

  await assertNeighbourIsWell(agent);
  assertEquals(states, expected(behaviours, failing));
  const report = await agent.stop();
  assertEquals(agent.state("neighbour"), "stopped");
  assertEquals(report.unfinished.filter(({ plugin }) => plugin === "neighbour"), []);
  assertEquals(processesWith(mark), []);
}

for (const edge of EDGES) {
  Deno.test({
    name: `a plugin that misbehaves at "${edge.edge}" harms neither its neighbour nor the agent: ${
      BEHAVIOURS.join(", ")
    }`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const { silent = [] } = edge;
      await check(edge, BEHAVIOURS.filter((each) => !silent.includes(each)), AMPLE_MS);
      // What has to use a deadline up has an agent of its own: all others have as much time as they like.
      if (silent.length > 0) await check(edge, silent, SHORT_MS);
    },
  });
}
