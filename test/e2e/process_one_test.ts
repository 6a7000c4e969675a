/**
 * The agent with its parent: as process 1, and below `--reaper` and `--restart`.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { cgroupFacts, cgroupPlace } from "../../core/exec/cgroup_place.ts";
import { type AgentProcess, type Ended, isolatedEnv, ROOT, runAgent, startAgent } from "../agent_process.ts";
import { asProcessOne, childrenOf, stateOf } from "../process_namespace.ts";

const MAIN = [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];
/** Longest wait for anything, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;
const MEBIBYTE = 1024 * 1024;

Deno.test("outpost start as process 1 works below a parent, leaves no zombie, and ends with 0 on SIGTERM", async () => {
  await using world = await startAsProcessOne();
  const { agent, init } = world;

  assert(agent.listening.pid !== 1);
  const { output } = await runCommand(agent, "(sleep 0 & echo $!); (sleep 0 & echo $!)");
  assertEquals(output.trim().split("\n").length, 2, output);
  await until(() => childrenOf(init).every((pid) => stateOf(pid) !== "Z"));

  Deno.kill(init, "SIGTERM");
  const ended = await agent.ended;

  assertEquals(ended.code, 0);
  assertEquals(messages(ended, "reaper"), [
    "spawning reaper process",
    "reaper catching signals",
    "reaper caught signal, killing child process",
    "child process exited, propagating exit code",
  ]);
  assertEquals(messages(ended, "core"), ["agent received signal", "agent shutting down"]);
});

Deno.test("outpost start as process 1 ends at once with 143 on a second SIGTERM, and everything with it", async () => {
  // A process that does not listen, and a minute for it to do so.
  const patience = ["plugins.agentproc.config.terminateMs=60000", "agent.shutdown.totalMs=120000"];
  await using world = await startAsProcessOne(patience.flatMap((setting) => ["--set", setting]));
  const { agent, init } = world;
  await agent.post("/api/v0/processes/start", { command: "trap '' TERM; touch ready; while :; do sleep 0.05; done" });
  await until(() => exists(join(agent.dir, "ready")));

  Deno.kill(init, "SIGTERM");
  await until(() => isRefusing(agent));
  Deno.kill(init, "SIGTERM");
  const ended = await agent.ended;

  assertEquals(ended.code, 143);
  assertEquals(messages(ended, "core").filter((message) => message === "agent received signal").length, 2);
});

Deno.test("outpost start --reaper ends what a killed agent left running, and tells what killed it", async () => {
  await using agent = await startAgent({ args: ["--reaper"] });
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", {
    command: "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; wait",
  });
  let pids: number[] = [];
  await until(async () => {
    const { output } = await (await agent.fetch(`/api/v0/processes/${id}/output`)).json() as { output: string };
    pids = (output.match(/^\d+$/gm) ?? []).map(Number);
    return pids.length === 2;
  });

  Deno.kill(Number(agent.listening.pid), "SIGKILL");
  const ended = await agent.ended;

  assertEquals([ended.code, pids.map(stateOf)], [137, [undefined, undefined]]);
  assert(messages(ended, "reaper").includes("ended what the agent left running"));
});

Deno.test("outpost start --restart starts a killed agent again on the same socket", async () => {
  await using agent = await startAgent({ args: ["--restart"] });
  const outpost = (...args: string[]) => runAgent(args, { env: agent.env, cwd: agent.dir });
  Deno.kill(Number(agent.listening.pid), "SIGKILL");

  await until(async () => (await outpost("exec", "--", "true")).code === 0);
  agent.signal("SIGTERM");
  const ended = await agent.ended;

  assertEquals(ended.code, 0);
  assertEquals(ended.stdout.filter((line) => JSON.parse(line).event === "listening").length, 2);
});

Deno.test("outpost start below a parent ends in order when the parent alone is killed", async () => {
  for (const flag of ["--reaper", "--restart"]) {
    await using agent = await startAgent({ args: [flag] });
    const pid = Number(agent.listening.pid);
    assert(pid !== agent.pid);
    const { output } = await runCommand(agent, "env | grep -c OUTPOST_PARENT");

    agent.signal("SIGKILL");
    // Its output ends when the last process that holds it is gone.
    const ended = await agent.ended;

    // A zombie until the first process of the machine takes it away.
    assertEquals([output, [undefined, "Z"].includes(stateOf(pid))], ["0\n", true]);
    assertEquals(messages(ended, "core"), ["agent received signal", "agent shutting down"]);
  }
});

Deno.test("outpost start --no-reap outlives the shell that started it", async () => {
  await using agent = await startAgent({
    command: ["sh", "-c", '"$@" & while [ ! -e ../end ]; do sleep 0.05; done', "sh", ...MAIN],
    args: ["--no-reap"],
  });
  const pid = Number(agent.listening.pid);

  await Deno.writeTextFile(join(agent.dir, "../end"), "");
  await until(() => stateOf(agent.pid) === undefined || stateOf(agent.pid) === "Z");
  const { output } = await runCommand(agent, "echo alive");

  assertEquals(output, "alive\n");
  Deno.kill(pid, "SIGTERM");
  await agent.ended;
});

Deno.test("outpost start --restart says that the agent ran out of memory, and starts it again without what it had started", async (t) => {
  const group = await MemoryGroup.make();
  if (group === undefined) {
    await t.step({ name: "needs a control group for memory that it may write", ignore: true, fn() {} });
    return;
  }
  try {
    await using agent = await startAgent({ args: ["--restart"] });
    const outpost = (...args: string[]) => runAgent(args, { env: agent.env, cwd: agent.dir });
    const first = Number(agent.listening.pid);
    const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", {
      command: "setsid sleep 1000 & echo $!; wait",
    });
    let left = 0;
    await until(async () => {
      const { output } = await (await agent.fetch(`/api/v0/processes/${id}/output`)).json() as { output: string };
      left = Number(output.trim());
      return left > 0;
    });

    await group.limit(first, MEBIBYTE);
    const body = JSON.stringify({ command: "true", padding: "x".repeat(8 * MEBIBYTE) });
    await until(async () => {
      await agent.fetch("/api/v0/processes/start", { method: "POST", body }).then(drained, () => {}); // Killed meanwhile.
      return stateOf(first) === undefined;
    });
    await until(async () => (await outpost("exec", "--", "true")).code === 0);
    agent.signal("SIGTERM");
    const ended = await agent.ended;

    assertEquals([ended.code, stateOf(left)], [0, undefined]);
    const said = ended.stderr.map((line) => JSON.parse(line)).filter(({ logger }) => logger === "outpost.reaper");
    const messages = said.map(({ message }) => message);
    assert(messages.includes("the agent ran out of memory and the kernel killed it"), messages.join("\n"));
    const crash = said.find(({ message }) => message === "the agent crashed and is started again");
    assertEquals([crash.signal, crash.oom], [9, true]);
  } finally {
    await group.remove();
  }
});

Deno.test("outpost start --reaper says why there is none and goes on without, where FFI is not allowed", async () => {
  const command = [Deno.execPath(), "run", "-A", "--deny-ffi", "--no-prompt", join(ROOT, "main.ts")];
  await using agent = await startAgent({ command, args: ["--reaper"] });

  assertEquals(agent.listening.pid, agent.pid);
  agent.signal("SIGTERM");
  const ended = await agent.ended;

  assertEquals(ended.code, 0);
  assertEquals(messages(ended, "reaper"), ["no reaper here, the agent goes on without"]);
});

Deno.test("outpost start --reaper hands on that the configuration is wrong", async () => {
  const home = await Deno.makeTempDir();
  try {
    const { code } = await runAgent(["start", "--restart", "--set", "agent.bogus=1"], {
      env: isolatedEnv(home),
      cwd: home,
    });

    assertEquals(code, 2);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** A control group with a limit that a running process can be put under. */
class MemoryGroup {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** `undefined` where none can be made. */
  static async make(): Promise<MemoryGroup | undefined> {
    const facts = cgroupFacts();
    const place = facts === undefined ? undefined : cgroupPlace("memory", facts);
    if (place?.version !== 1) return undefined;
    const directory = join(place.directory, `outpost-test-${crypto.randomUUID()}`);
    return await Deno.mkdir(directory).then(() => new MemoryGroup(directory), () => undefined);
  }

  /** Lets the process have that much beside what it has. */
  async limit(pid: number, bytes: number): Promise<void> {
    await Deno.writeTextFile(join(this.#directory, "memory.limit_in_bytes"), String(bytes));
    await Deno.writeTextFile(join(this.#directory, "cgroup.procs"), String(pid));
  }

  async remove(): Promise<void> {
    // The kernel takes a moment to let go of a process that has ended.
    await until(() => Deno.remove(this.#directory).then(() => true, () => false));
  }
}

interface World extends AsyncDisposable {
  readonly agent: AgentProcess;
  /** Number of process 1, as this process sees it. */
  readonly init: number;
}

async function startAsProcessOne(args: readonly string[] = []): Promise<World> {
  const agent = await startAgent({ command: [...asProcessOne(), ...MAIN], args });
  const [init = 0] = childrenOf(agent.pid);
  return {
    ...{ agent, init },
    async [Symbol.asyncDispose]() {
      // What started it waits for process 1 and heeds no SIGTERM of its own.
      if (stateOf(init) !== undefined) Deno.kill(init, "SIGKILL");
      await agent[Symbol.asyncDispose]();
    },
  };
}

async function runCommand(agent: AgentProcess, command: string): Promise<{ readonly output: string }> {
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command });
  return await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json();
}

/** What one part of the agent wrote, in order. */
function messages({ stderr }: Ended, part: string): string[] {
  return stderr.map((line) => JSON.parse(line)).filter(({ logger }) => logger === `outpost.${part}`)
    .map(({ message }) => message);
}

async function drained(response: Response): Promise<void> {
  await response.body?.cancel();
}

async function isRefusing(agent: AgentProcess): Promise<boolean> {
  const response = await agent.fetch("/api/v0/processes/list");
  await response.body?.cancel();
  return response.status === 503;
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const stopped = new AbortController();
  const waiting = (async () => {
    while (!stopped.signal.aborted && !await isSo()) await new Promise((resolve) => setImmediate(resolve));
  })();
  try {
    await deadline(waiting, HANG_MS);
  } finally {
    stopped.abort();
  }
}
