/**
 * Starts and stops an agent with every plugin again and again in one process: how long it takes and what is left behind.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { join } from "@std/path";

import { createAgent } from "../../core/agent.ts";
import { standardPlugins } from "../../plugins/standard.ts";

const CYCLES = Number(Deno.env.get("OUTPOST_BENCH_CYCLES") ?? 1000);
/** Cycles before the first look: caches fill and code is compiled. */
const WARM_UP = Math.ceil(CYCLES / 10);

/** Time for the last listener to be closed by the runtime, in milliseconds. */
const SETTLE_MS = 500;

const home = await Deno.makeTempDir({ prefix: "outpost-bench-" });
try {
  for (let i = 0; i < WARM_UP; i++) await cycle();
  const before = await held();
  const from = performance.now();
  for (let i = 0; i < CYCLES; i++) await cycle();
  const ms = performance.now() - from;
  const after = await held();
  print(
    "start, one process, one file, stop",
    ms / CYCLES,
    "ms",
    `mean of ${CYCLES} cycles in one process, all plugins`,
  );
  print(
    "file descriptors kept",
    after.files - before.files,
    "descriptors",
    `after ${CYCLES} cycles; anything but 0 is a leak`,
  );
  print(
    "heap growth",
    (after.heap - before.heap) / 1e6,
    "MB",
    `after ${CYCLES} cycles and a garbage collection`,
  );
  print("children left", children(), "processes", "anything but 0 is a leak");
} finally {
  await Deno.remove(home, { recursive: true });
}

async function cycle(): Promise<void> {
  const agent = createAgent({
    plugins: standardPlugins,
    config: {
      agent: { listen: { tcp: "127.0.0.1:0", unix: join(home, "agent.sock") }, tokenFile: join(home, "token") },
    },
    logSink: () => {},
  });
  await agent.start();
  await ask("/api/v0/processes/start", { command: "sleep 60" });
  await ask(`/api/v0/write-file?path=${join(home, "file")}`, "text");
  await agent.stop();

  async function ask(path: string, body: unknown): Promise<void> {
    const request = new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) });
    const response = await agent.fetch(request);
    await response.body?.cancel();
    if (response.status !== 200) throw new Error(`Cannot measure: ${path} answered ${response.status}`);
  }
}

async function held(): Promise<{ readonly files: number; readonly heap: number }> {
  await delay(SETTLE_MS);
  // Exposed by `deno task bench`.
  (globalThis as { gc?: () => void }).gc?.();
  return { files: [...Deno.readDirSync("/proc/self/fd")].length, heap: Deno.memoryUsage().heapUsed };
}

/** Living children of this process. */
function children(): number {
  return Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`).split(" ").filter((pid) => pid !== "").length;
}

function print(name: string, value: number, unit: string, note: string): void {
  console.log(JSON.stringify({ name, value, unit, note }));
}
