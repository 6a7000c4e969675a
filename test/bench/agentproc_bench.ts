/**
 * How long a command takes through the process API over the Unix socket, beside bare Deno doing the same work in the same run.
 *
 * Run with `deno run -A test/bench/agentproc_bench.ts`; prints one JSON line per figure.
 *
 * @module
 */
import { join } from "@std/path";

import { Confinement } from "../../core/exec/confinement.ts";
import { ProcessGroups } from "../../core/exec/process_groups.ts";
import { Launcher } from "../../core/exec/launch.ts";
import { readOutput } from "../../core/exec/output_reader.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import agentproc from "../../plugins/agentproc/mod.ts";

/** Runs of each figure; half as many come first and are not counted. */
const RUNS = Number(Deno.env.get("OUTPOST_BENCH_RUNS") ?? 400);
/** Commands under way at once in the figures per second. */
const AT_ONCE = 16;

interface Figures {
  readonly p50: number;
  readonly p95: number;
  readonly perSecond: number;
}

const NOTES: Readonly<Record<keyof Figures, string>> = {
  p50: "start to exit code and whole output; the floor is `Deno.Command().output()`; the aim is twice the floor",
  p95: "the same runs; the machine's other work shows here first",
  perSecond: `${AT_ONCE} at once; the aim is 1000 per second`,
};

type Run = () => Promise<void>;

/** Measures both in turns, so that what else the machine does falls on both alike. */
async function compare(name: string, run: Run, floor: Run): Promise<void> {
  const times: { readonly run: number[]; readonly floor: number[] } = { run: [], floor: [] };
  for (let i = 0; i < RUNS * 1.5; i++) {
    const taken = { run: await timeOf(run), floor: await timeOf(floor) };
    if (i < RUNS / 2) continue;
    times.run.push(taken.run);
    times.floor.push(taken.floor);
  }
  print(name, await figuresOf(times.run, run), await figuresOf(times.floor, floor));
}

async function timeOf(run: Run): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

async function figuresOf(times: number[], run: Run): Promise<Figures> {
  times.sort((a, b) => a - b);
  let left = RUNS;
  const ms = await timeOf(async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await run();
    }));
  });
  return { p50: times[Math.floor(RUNS * 0.5)]!, p95: times[Math.floor(RUNS * 0.95)]!, perSecond: RUNS / (ms / 1000) };
}

function print(name: string, figures: Figures, floor: Figures): void {
  const rows = [["p50", "p50", "ms"], ["p95", "p95", "ms"], ["perSecond", `${AT_ONCE} at once`, "1/s"]] as const;
  for (const [field, label, unit] of rows) {
    const row = {
      name: `${name} ${label}`,
      value: round(figures[field]),
      unit,
      floor: round(floor[field]),
      note: NOTES[field],
    };
    console.log(JSON.stringify({ ...row, ratio: round(figures[field] / floor[field]) }));
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const env = { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", HOME: "/" };

/** The floor: the same program, its output read to the end, nothing else. */
async function bare(program: string, args: string[]): Promise<void> {
  await new Deno.Command(program, { args, clearEnv: true, env, cwd: "/", stdin: "null" }).output();
}

const groups = new ProcessGroups({
  owner: "bench",
  environment: { build: () => Promise.resolve({ ...env }) },
  launcher: new Launcher({ processEnv: env }),
  confinement: new Confinement(),
  directories: { home: "/" },
});
async function core(command: string | [string, ...string[]], output: "merged" | "separate"): Promise<void> {
  const reading = readOutput(await groups.spawn({ command, output }), { output: () => {} });
  await reading.settled;
}

const directory = await Deno.makeTempDir({ prefix: "outpost-bench-" });
const agent = await createTestAgent({ plugins: [agentproc], time: "real", env });
const path = await agent.agent.listenUnix(join(directory, "agent.sock"));
const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
const base = "http://localhost/api/v0/processes";
async function api(request: Record<string, unknown>): Promise<void> {
  const started = await fetch(`${base}/start`, { client, method: "POST", body: JSON.stringify(request) });
  const { id } = await started.json();
  const ended = await (await fetch(`${base}/${id}/output?wait=true`, { client })).json();
  if (ended.exit_code !== 0) throw new Error(`Cannot measure: ${JSON.stringify(ended)}`);
}

const program = () => bare("/bin/true", []);
const shell = () => bare("/bin/sh", ["-c", "/bin/true"]);
try {
  await compare("exec /bin/true without shell, core, separate", () => core(["/bin/true"], "separate"), program);
  await compare("exec /bin/true without shell, core, merged", () => core(["/bin/true"], "merged"), program);
  await compare("exec /bin/true by sh -c, core, merged", () => core("/bin/true", "merged"), shell);
  await compare(
    "exec /bin/true without shell, API, separate",
    () => api({ command: "/bin/true", args: [], output: "separate" }),
    program,
  );
  await compare("exec /bin/true without shell, API, merged", () => api({ command: "/bin/true", args: [] }), program);
  await compare("exec /bin/true by sh -c, API, merged", () => api({ command: "/bin/true" }), shell);
} finally {
  client.close();
  await groups.close();
  await agent.stop();
  await Deno.remove(directory, { recursive: true });
}
