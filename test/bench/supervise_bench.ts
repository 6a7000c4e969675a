/**
 * What the agent's parent costs: time at the start, and memory while nobody asks.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { join } from "@std/path";

import { isolatedEnv, ROOT } from "../agent_process.ts";
import { childrenOf } from "../process_namespace.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

/** Starts of each kind; the median is taken. */
const STARTS = Number(Deno.env.get("OUTPOST_BENCH_STARTS") ?? 11);
/** Time to become idle, in milliseconds: V8 gives memory back a few seconds after the start. */
const SETTLE_MS = 10_000;

const home = await Deno.makeTempDir({ prefix: "outpost-bench-" });
try {
  if (Deno.build.os === "linux") {
    await measureStarts();
    await measureMemory();
  }
} finally {
  await Deno.remove(home, { recursive: true });
}

function start(...more: string[]): Promise<ServerProcess> {
  const flags = ["start", "--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "error", "--dir", home];
  const files = ["--unix", join(home, "a.sock"), "--token-file", join(home, "a.token")];
  const command = [Deno.execPath(), "run", "-A", join(ROOT, "main.ts"), ...flags, ...files, ...more];
  return startServer(command, { env: isolatedEnv(home) });
}

async function measureStarts(): Promise<void> {
  const times = { without: [] as number[], below: [] as number[] };
  for (let i = 0; i <= STARTS; i++) {
    for (const [kind, flags] of [["without", []], ["below", ["--reaper"]]] as const) {
      await using server = await start(...flags);
      // The first start fills Deno's caches.
      if (i > 0) times[kind].push(server.startMs);
    }
  }
  print({
    name: "start to first answer, below its parent",
    value: median(times.below),
    unit: "ms",
    floor: median(times.without),
    note: `deno run; the floor is the same agent without a parent; median of ${STARTS}`,
  });
}

async function measureMemory(): Promise<void> {
  await using server = await start("--reaper");
  await delay(SETTLE_MS);
  const [agent = 0] = childrenOf(server.pid);
  const note = "deno run; the floor is the agent below it";
  for (const [name, field] of [["its own", "Private"], ["with its share of what is shared", "Pss"]] as const) {
    print({
      name: `memory of the agent's parent, ${name}`,
      value: await megabytes(server.pid, field),
      unit: "MB",
      floor: await megabytes(agent, field),
      note,
    });
  }
}

/** proc_pid_smaps(5), the sum over all mappings. */
async function megabytes(pid: number, field: "Private" | "Pss"): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const lines = text.matchAll(field === "Pss" ? /^Pss: +(\d+) kB$/gm : /^Private_(?:Clean|Dirty): +(\d+) kB$/gm);
  return [...lines].reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0) / 1024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function print(figure: Readonly<Record<string, string | number>>): void {
  console.log(JSON.stringify(figure));
}
