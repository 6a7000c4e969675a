/**
 * From start to the first answer, and what the agent costs while nobody asks; beside bare Deno with one handler.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { join } from "@std/path";

import { ROOT, startAgent } from "../agent_process.ts";
import { startServer } from "./server_process.ts";

/** Starts per side; the median is taken. */
const STARTS = 9;
/** How long idle processes are watched, in milliseconds. Settling takes as long again. */
const IDLE_MS = Number(Deno.env.get("OUTPOST_BENCH_IDLE_MS") ?? 15_000);
/** Ticks per second in /proc/PID/stat; fixed in Linux's user interface. */
const TICKS_PER_SECOND = 100;

const bare = [Deno.execPath(), "run", "-A", join(ROOT, "test/bench/bare_server.ts")];

const starts: { agent: number[]; bare: number[] } = { agent: [], bare: [] };
for (let i = 0; i <= STARTS; i++) {
  const [agentMs, bareMs] = [await agentStartMs(), await bareStartMs()];
  // The first start fills Deno's caches.
  if (i > 0) starts.agent.push(agentMs), starts.bare.push(bareMs);
}
print({
  name: "start to first answer, all plugins",
  value: median(starts.agent),
  unit: "ms",
  floor: median(starts.bare),
  note: `median of ${STARTS}; the aim is 100 ms for the core`,
});

if (Deno.build.os === "linux") {
  await using agent = await startAgent();
  await using floor = await startServer(bare);
  await delay(IDLE_MS);
  const before = [await cpuMs(agent.pid), await cpuMs(floor.pid)] as const;
  await delay(IDLE_MS);
  const after = [await cpuMs(agent.pid), await cpuMs(floor.pid)] as const;
  const perMinute = (at: 0 | 1) => (after[at] - before[at]) * 60_000 / IDLE_MS;
  print({
    name: "idle memory (RSS)",
    value: await rssMb(agent.pid),
    unit: "MB",
    floor: await rssMb(floor.pid),
    note: "no clients; the aim is 75 MB",
  });
  print({
    name: "idle CPU",
    value: perMinute(0),
    unit: "ms/min",
    floor: perMinute(1),
    note: `over ${IDLE_MS / 1000} s in steps of ${1000 / TICKS_PER_SECOND} ms`,
  });
}

async function agentStartMs(): Promise<number> {
  const from = performance.now();
  await using agent = await startAgent();
  await (await fetch(`${agent.http}/healthz`)).text();
  return performance.now() - from;
}

async function bareStartMs(): Promise<number> {
  const from = performance.now();
  await using server = await startServer(bare);
  await (await fetch(server.http)).text();
  return performance.now() - from;
}

async function rssMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** User and system time. See proc_pid_stat(5): fields 14 and 15, counted behind the name, which may hold spaces. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function print(figure: Readonly<Record<string, string | number>>): void {
  console.log(JSON.stringify(figure));
}
