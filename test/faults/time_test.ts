/**
 * Time: a day that passes, clocks that are set, and thousands of processes that come and go.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { createAgent } from "../../core/agent.ts";
import { systemClock } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import agentproc from "../../plugins/agentproc/mod.ts";
import { standardPlugins } from "../../plugins/standard.ts";
import { startAgent } from "../agent_process.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SCALE = Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
/** Started and ended; the figures of 10,000 are kept in docs/performance.md. */
const PROCESSES = 1000 * SCALE;

Deno.test("an agent with every plugin holds nothing more after a day than after an hour", async () => {
  await using agent = await createTestAgent({ plugins: standardPlugins, ignoreErrors: true });
  const run = async () => {
    const { id } = await (await agent.post("/api/v0/processes/start", { command: "echo hello" })).json();
    await (await agent.get(`/api/v0/processes/${id}/output?wait=true`)).body?.cancel();
  };
  const held = async () => ({
    sleeping: agent.clock.sleeping,
    processes: (await (await agent.get("/api/v0/processes/list")).json()).processes.length,
    series: (await agent.agent.metrics()).split("\n").length,
  });
  await run();
  await agent.clock.advance(HOUR_MS);
  const before = await held();

  for (let hour = 1; hour < 24; hour++) {
    await run();
    await agent.clock.advance(HOUR_MS);
  }

  assertEquals(await held(), before);
});

/**
 * What the heap may grow by in the second half of a day, in bytes. Measured: 170 KiB, most of it the last lines of the log, of which a
 * fixed number is kept. A plugin that loses 1 KiB in each minute makes it 900 KiB.
 */
const HALF_DAY_BYTES = 500 * 1024;
/** In its last 22 hours; measured: 1 MiB, as code is compiled and tables fill. */
const WHOLE_DAY_BYTES = 2 * 1024 * 1024;

Deno.test("an agent with every plugin and a control plane that comes and goes needs no more memory, files and processes after a day", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--v8-flags=--expose-gc", fromFileUrl(import.meta.resolve("./day.ts")), "24"],
    stdin: "null",
  }).output();

  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals([code, lines.length], [0, 24], new TextDecoder().decode(stderr));
  const held: readonly HeldByDay[] = lines.map((line) => JSON.parse(line));
  const table = lines.join("\n");
  const grown = (from: number, to: number) => held[to - 1]!.heapBytes - held[from - 1]!.heapBytes;
  assert(held.every(({ calls }) => calls > 0), table);
  assert(grown(12, 24) < HALF_DAY_BYTES, `${grown(12, 24)} bytes in the second half\n${table}`);
  assert(grown(2, 24) < WHOLE_DAY_BYTES, `${grown(2, 24)} bytes\n${table}`);
  // One may be open just then: for a connection, or for what was written last.
  assert(held.every(({ files }) => files <= held[1]!.files + 1), table);
  assertEquals(held.map(({ children }) => children), new Array(24).fill(0));
});

interface HeldByDay {
  readonly heapBytes: number;
  readonly files: number;
  readonly children: number;
  /** Calls that reached the control plane in that hour. */
  readonly calls: number;
}

for (const [how, jumpMs] of [["forward by two days", 2 * DAY_MS], ["back by two days", -2 * DAY_MS]] as const) {
  Deno.test(`an agent whose machine's clock is set ${how} cuts nothing that is under way, and stops in order`, async () => {
    let offsetMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
    const agent = createAgent({
      plugins: [agentproc],
      config: { agent: { listen: { tcp: null } } },
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/" },
      logSink: () => {},
      clock,
    });
    await agent.start();
    const ask = async (path: string, body?: unknown) => {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      return await (await agent.fetch(new Request(`http://localhost/api/v0/processes${path}`, init))).json();
    };
    const { id } = await ask("/start", { command: "read line; echo got $line", stdin: "piped" });
    const waiting = ask(`/${id}/output?wait=true`);

    offsetMs = jumpMs;
    await agent.fetch(
      new Request(`http://localhost/api/v0/processes/${id}/stdin?close=true`, { method: "POST", body: "it\n" }),
    ).then((response) => response.body?.cancel());

    assertEquals((await waiting).output, "got it\n");
    const later = await ask("/start", { command: "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done" });
    const stopping = agent.stop("test");
    offsetMs = 2 * jumpMs;
    assertEquals((await stopping).unfinished, []);
    assert(later.pid > 0);
  });
}

Deno.test("an agent holds no file and no process of those that came and went", async () => {
  // What is kept of ended processes is bounded by their number: few, so that the bound is reached at once.
  await using agent = await startAgent({ args: ["--set", "plugins.agentproc.config.maxExited=50"] });
  const one = async () => {
    const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "exec true" });
    await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).body?.cancel();
  };
  const many = async (count: number) => {
    for (let done = 0; done < count; done += 10) await Promise.all(Array.from({ length: 10 }, one));
  };
  await many(PROCESSES);
  const before = held(agent.pid);

  await many(PROCESSES);

  const after = held(agent.pid);
  // The runtime opens a few files of its own whenever it likes. Memory is V8's to give back: measured by hand.
  assertEquals([after.children, after.files <= before.files + 12], [0, true], JSON.stringify({ before, after }));
});

interface Held {
  readonly files: number;
  readonly children: number;
}

function held(pid: number): Held {
  return {
    files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    children: Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).length,
  };
}
