/**
 * From start to the first answer, and what the agent costs while nobody asks; beside bare Deno with one handler.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { join } from "@std/path";

import { isolatedEnv, ROOT } from "../agent_process.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

/** Starts per program; the median is taken. */
const STARTS = Number(Deno.env.get("OUTPOST_BENCH_STARTS") ?? 21);
/** How long idle processes are watched, in milliseconds: the kernel counts in steps of 10 ms. */
const IDLE_MS = Number(Deno.env.get("OUTPOST_BENCH_IDLE_MS") ?? 60_000);
/** Time to become idle, in milliseconds: V8 gives memory back a few seconds after the start. */
const SETTLE_MS = 10_000;
/** Ticks per second in /proc/PID/stat; fixed in Linux's user interface. */
const TICKS_PER_SECOND = 100;

const PROGRAMS = { bare: "test/bench/bare_server.ts", core: "test/bench/core_agent.ts", stock: "main.ts" } as const;
type Name = keyof typeof PROGRAMS;
const NAMES = Object.keys(PROGRAMS) as Name[];

const home = await Deno.makeTempDir({ prefix: "outpost-bench-" });
try {
  await measureStarts();
  if (Deno.build.os === "linux") await measureIdle();
} finally {
  await Deno.remove(home, { recursive: true });
}

function start(name: Name): Promise<ServerProcess> {
  const flags = [
    ...["start", "--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "error", "--dir", home],
    ...["--unix", join(home, `${name}.sock`), "--token-file", join(home, `${name}.token`)],
  ];
  const command = [Deno.execPath(), "run", "-A", join(ROOT, PROGRAMS[name]), ...name === "bare" ? [] : flags];
  return startServer(command, { env: isolatedEnv(home) });
}

async function measureStarts(): Promise<void> {
  const times: Record<Name, number[]> = { bare: [], core: [], stock: [] };
  for (let i = 0; i <= STARTS; i++) {
    // In turns, so that a busy machine is busy for all of them.
    for (const name of NAMES) {
      await using server = await start(name);
      // The first start fills Deno's caches.
      if (i > 0) times[name].push(server.startMs);
    }
  }
  const figures = [["core alone", "core"], ["all plugins", "stock"]] as const;
  for (const [label, name] of figures) {
    print({
      name: `start to first answer, ${label}`,
      value: median(times[name]),
      unit: "ms",
      floor: median(times.bare),
      note: `spawn to the end of GET /healthz over TCP; median of ${STARTS}, fastest ${
        Math.round(Math.min(...times[name]))
      } ms${name === "core" ? "; the aim is 100 ms" : ""}`,
    });
  }
}

async function measureIdle(): Promise<void> {
  await using servers = new AsyncDisposableStack();
  const running = {} as Record<Name, ServerProcess>;
  for (const name of NAMES) running[name] = servers.use(await start(name));
  await delay(SETTLE_MS);
  const before = await each(({ pid }) => cpuMs(pid));
  await delay(IDLE_MS);
  const after = await each(({ pid }) => cpuMs(pid));
  const memory = await each(({ pid }) => rssMb(pid));
  const note = { core: "core alone, no clients; the aim is 75 MB", stock: "no clients" };
  for (const name of ["core", "stock"] as const) {
    const label = name === "core" ? "core alone" : "all plugins";
    print({
      name: `idle memory (RSS), ${label}`,
      value: memory[name],
      unit: "MB",
      floor: memory.bare,
      note: note[name],
    });
    print({
      name: `idle processor time, ${label}`,
      value: (after[name] - before[name]) * 60_000 / IDLE_MS,
      unit: "ms per minute",
      floor: (after.bare - before.bare) * 60_000 / IDLE_MS,
      note: `user and system time over ${IDLE_MS / 1000} s; the kernel counts in steps of ${
        1000 / TICKS_PER_SECOND
      } ms`,
    });
  }

  async function each(read: (server: ServerProcess) => Promise<number>): Promise<Record<Name, number>> {
    return Object.fromEntries(
      await Promise.all(NAMES.map(async (name) => [name, await read(running[name])] as const)),
    ) as Record<Name, number>;
  }
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
