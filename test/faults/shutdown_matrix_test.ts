/**
 * SIGTERM while each plugin is busy, and at other moments of the agent's life: it ends in time and leaves nothing behind.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";

import { MARK_VARIABLE, marksOf } from "../../core/exec/process_scan.ts";
import { type AgentProcess, isolatedEnv, ROOT, startAgent } from "../agent_process.ts";

/** Longest shutdown: what the agent allows the whole, and the longest drain that a plugin declares, in milliseconds. */
const SHUTDOWN_MS = 15_000 + 5_000;
/** What a loaded machine may add, in milliseconds. */
const SLACK_MS = 15_000;

/** Makes one plugin busy with something that does not end by itself. */
interface Busy {
  readonly plugin: string;
  /** Further flags of the agent. */
  readonly args?: (home: string) => string[];
  work(agent: AgentProcess, held: DisposableStack): Promise<void>;
}

const BUSY: readonly Busy[] = [
  {
    plugin: "agentproc",
    async work(agent) {
      const command = "trap '' TERM INT HUP; setsid sleep 1000 & touch ready; while :; do sleep 0.1; done";
      await agent.post("/api/v0/processes/start", { command });
      await until(() => exists(join(agent.dir, "ready")));
    },
  },
  {
    plugin: "agentfiles",
    async work(agent, held) {
      const path = encodeURIComponent(join(agent.dir, "upload"));
      await request(agent, held, `POST /api/v0/write-file?path=${path} HTTP/1.1`, "content-length: 1000000", "half");
    },
  },
  {
    plugin: "agentgit",
    work: (agent, held) => webSocket(agent, held, `/api/v0/git/watch?chat=${crypto.randomUUID()}`),
  },
  {
    plugin: "agentsocket",
    work: (agent, held) => connect(held, join(dirname(agent.unix), "rpc.sock"), new Uint8Array([1])),
  },
  {
    plugin: "boundarylogs",
    work: (agent, held) => connect(held, join(dirname(agent.unix), "boundary.sock"), new Uint8Array([9, 0])),
  },
  {
    plugin: "mcp",
    async work(agent) {
      const body = { tool_name: "outpost__execute", arguments: { command: "touch ready; sleep 1000", timeout: "10m" } };
      // Cut by the shutdown.
      agent.post("/api/v0/mcp/call-tool", body).catch(() => {});
      await until(() => exists(join(agent.dir, "ready")));
    },
  },
  {
    plugin: "terminals",
    work: (agent, held) => webSocket(agent, held, `/api/v0/pty?id=${crypto.randomUUID()}`),
  },
  {
    plugin: "ssh",
    args: (home) => [
      ...["--set", "plugins.ssh.enabled=true", "--set", "plugins.ssh.config.allowAnonymous=true"],
      ...["--set", `plugins.ssh.config.hostKeyFile=${join(home, "host_key")}`],
    ],
    async work(agent, held) {
      const [hostname = "", port] = String(agent.listening.ssh).split(":");
      const connection = held.use(await Deno.connect({ hostname, port: Number(port) }));
      await connection.read(new Uint8Array(1)); // Its greeting; ours never comes.
    },
  },
];

for (const { plugin, work, args } of BUSY) {
  Deno.test(`outpost start ends in time and leaves nothing on SIGTERM while ${plugin} is busy`, async () => {
    await using world = await startMarked(args);
    using held = new DisposableStack();
    await work(world.agent, held);

    world.agent.signal("SIGTERM");

    assertEquals(await world.end(), 0);
  });
}

Deno.test("outpost start ends at once with 143 on a second SIGTERM while every plugin is busy", async () => {
  await using world = await startMarked(BUSY.find(({ plugin }) => plugin === "ssh")!.args);
  using held = new DisposableStack();
  for (const { work } of BUSY) {
    await work(world.agent, held);
    await Deno.remove(join(world.agent.dir, "ready")).catch(() => {});
  }

  world.agent.signal("SIGTERM");
  await until(async () => (await world.agent.fetch("/readyz").then(drained)).status === 503);
  world.agent.signal("SIGTERM");

  assertEquals(await world.end(), 143);
});

Deno.test("outpost start ends in time and leaves nothing on SIGTERM while it starts", async () => {
  const home = await Deno.makeTempDir();
  try {
    const mark = crypto.randomUUID();
    const unix = join(home, "run", "agent.sock");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "main.ts"), "start", "--listen", "127.0.0.1:0", "--unix", unix],
      env: isolatedEnv(home, { [MARK_VARIABLE]: mark }),
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();

    // The first listener is open, and what follows it is not done.
    await until(() => exists(unix));
    child.kill("SIGTERM");

    assertEquals((await child.status).code, 0);
    assertEquals(socketsIn(join(home, "run")), []);
    assertEquals(carriersOf(mark), []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("outpost start names in its log what did not finish", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = join(directory, "stuck.ts");
    await Deno.writeTextFile(file, STUCK);
    const config = join(directory, "outpost.jsonc");
    await Deno.writeTextFile(config, JSON.stringify({ plugins: { stuck: { from: file } } }));
    await using world = await startMarked(() => ["--config", config, "--set", "agent.shutdown.drainMs=200"]);

    world.agent.signal("SIGTERM");

    assertEquals(await world.end(), 0);
    const { stderr } = await world.agent.ended;
    const lines = stderr.map((line) => JSON.parse(line)).filter(({ message }) => message === "did not finish");
    assertEquals(lines.map(({ plugin, phase }) => [plugin, phase]), [["stuck", "drain"]], stderr.join("\n"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** A plugin that never drains. */
const STUCK = `export default {
  id: "stuck", version: "1.0.0", api: 1, stability: "stable", summary: "Never drains.",
  setup(ctx) { ctx.hooks.onDrain(() => new Promise(() => {})); },
};`;

interface World extends AsyncDisposable {
  readonly agent: AgentProcess;
  /** Waits for the end, checks that it came in time and that nothing is left, and returns the exit code. */
  end(): Promise<number>;
}

/** Everything that comes from this agent carries a mark. */
async function startMarked(args: Busy["args"] = () => []): Promise<World> {
  const mark = crypto.randomUUID();
  const keys = await Deno.makeTempDir();
  const agent = await startAgent({ args: args(keys), env: { [MARK_VARIABLE]: mark } });
  return {
    agent,
    async end() {
      const from = performance.now();
      const { code, stderr } = await agent.ended;
      const tookMs = performance.now() - from;
      assert(tookMs < SHUTDOWN_MS + SLACK_MS, `${tookMs} ms\n${stderr.join("\n")}`);
      assertEquals(carriersOf(mark), []);
      // A hard exit leaves socket files, which the next start replaces.
      if (code === 0) assertEquals(socketsIn(dirname(agent.unix)), []);
      return code;
    },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await Deno.remove(keys, { recursive: true });
    },
  };
}

/** Processes that carry the mark. */
function carriersOf(mark: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid) && marksOf(pid).includes(mark));
}

function socketsIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => name.endsWith(".sock"));
  } catch {
    return []; // Not even the directory is there.
  }
}

async function connect(held: DisposableStack, path: string, bytes: Uint8Array): Promise<void> {
  const connection = held.use(await Deno.connect({ transport: "unix", path }));
  await connection.write(bytes);
}

/** Sends the beginning of a request over the Unix socket. */
async function request(agent: AgentProcess, held: DisposableStack, line: string, ...rest: string[]): Promise<void> {
  const [headers, body = ""] = [rest.slice(0, -1), rest.at(-1)];
  const text = [line, "host: localhost", ...headers, "", body].join("\r\n");
  await connect(held, agent.unix, new TextEncoder().encode(text));
}

async function webSocket(agent: AgentProcess, held: DisposableStack, path: string): Promise<void> {
  const socket = new WebSocket(`${agent.http.replace("http", "ws")}${path}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  held.defer(() => socket.close());
  const opened = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`Cannot open ${path}`));
  await opened.promise;
}

function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 120_000;
  while (!await isSo()) {
    if (performance.now() > endsAt) throw new Error(`Still not so: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
