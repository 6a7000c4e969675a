/**
 * Lives through as many hours as its first argument says, by a clock that it moves, with every plugin and a control plane, and prints
 * what it holds after each. The second argument is what a plugin beside the others loses in each minute, in bytes.
 * A program of its own, because it counts what is open and what memory is used: run it with `--v8-flags=--expose-gc`.
 *
 * @module
 */
import { createAgent } from "../../core/agent.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { Agent } from "../../core/proto/gen/agent_pb.ts";
import { TestControlPlane } from "../../core/testing/control_plane.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { standardPlugins } from "../../plugins/standard.ts";
import { script, serviceWith, turn } from "./reporting_agent.ts";

const MINUTE_MS = 60_000;
/** Work comes this often, in milliseconds. */
const STEP_MS = 10 * MINUTE_MS;
const STEPS_PER_HOUR = 6;
const [hours = 0, leakBytes = 0] = Deno.args.map(Number);

const leaking: Plugin = definePlugin({
  ...{
    id: "leaking",
    version: "1.0.0",
    api: 1,
    summary: "Keeps what it is told to.",
    stability: "stable",
  },
  setup(ctx) {
    const kept: number[][] = [];
    ctx.tasks.every("leak", MINUTE_MS, () => {
      // Eight bytes each.
      if (leakBytes > 0) kept.push(new Array(leakBytes / 8).fill(0));
    });
  },
});

await using app = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  () => new Response("well"),
);
const url = `http://127.0.0.1:${app.addr.port}`;
const plane = new TestControlPlane().serve(
  Agent,
  serviceWith({
    scripts: [
      script({ script: "echo start", runOnStart: true }),
      script({ script: "echo again", cron: "0 */10 * * * *" }),
    ],
    metadata: [{
      ...{ key: "when", displayName: "when", script: "date" },
      ...{
        interval: { seconds: 0n, nanos: 600 },
        timeout: { seconds: 0n, nanos: 60 },
      },
    }],
    apps: [{
      slug: "web",
      url,
      healthcheck: { url, interval: { seconds: 600n, nanos: 0 }, threshold: 3 },
    }],
  }),
);
const clock = new VirtualClock();
const dir = await Deno.makeTempDir();
const agent = createAgent({
  plugins: [...standardPlugins, leaking],
  config: {
    agent: { listen: { tcp: null }, scriptDataDir: dir },
    plugins: { scripts: { config: { logDir: dir } } },
  },
  env: {
    PATH: Deno.env.get("PATH") ?? "",
    HOME: dir,
    XDG_RUNTIME_DIR: dir,
    XDG_STATE_HOME: dir,
  },
  logSink: () => {},
  clock,
  dial: plane.dial,
});
const ask = (path: string, init?: RequestInit) => agent.fetch(new Request(`http://localhost${path}`, init));

/** A process of the agent's, to its end. */
async function runOne(): Promise<void> {
  const body = JSON.stringify({ command: "echo hello" });
  const { id } = await (await ask("/api/v0/processes/start", { method: "POST", body }))
    .json();
  await (await ask(`/api/v0/processes/${id}/output?wait=true`)).text();
}

/** What scripts, metadata and health checks have begun comes to its end, in real time. */
async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 20; quiet = children() === 0 ? quiet + 1 : 0) {
    await turn();
  }
}

function children(): number {
  return Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).trim()
    .split(" ").filter(Boolean).length;
}

function heapBytes(): number {
  (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().heapUsed;
}

await agent.start();
for (let hour = 1; hour <= hours; hour++) {
  for (let step = 0; step < STEPS_PER_HOUR; step++) {
    await runOne();
    await clock.advance(STEP_MS);
    await settled();
    // There in the first part of each hour: so connections come and go, and what is to be sent waits.
    plane.refusal = step < STEPS_PER_HOUR - 1 ? new Error("not now") : undefined;
    if (plane.refusal !== undefined) await plane.disconnect();
  }
  const calls = plane.calls.splice(0).length;
  const files = [...Deno.readDirSync("/proc/self/fd")].length;
  console.log(
    JSON.stringify({
      hour,
      heapBytes: heapBytes(),
      files,
      children: children(),
      calls,
    }),
  );
}
let isStopped = false;
const stopped = agent.stop().finally(() => isStopped = true);
while (!isStopped) await clock.advance(1000);
await stopped;
await Deno.remove(dir, { recursive: true });
