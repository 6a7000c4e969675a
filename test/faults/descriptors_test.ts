/**
 * An agent whose file descriptors are used up by connections: it lives on, answers on those it has, and everything listens
 * again once some are free.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";

import { type AgentProcess, ROOT, runAgent, startAgent } from "../agent_process.ts";

/** Descriptors the agent may have: what it needs by itself, and a few dozen more. */
const LIMIT = 100;
/** Longest wait for anything, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;
/** Lines of the agent's output shown when it does not do what it should. */
const LAST_LINES = 40;
const COMMAND = [
  ...["sh", "-c", `ulimit -c 0; ulimit -n ${LIMIT}; exec "$@"`, "sh"],
  ...[Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")],
];
const PLUGINS = {
  ssh: { config: { listen: "127.0.0.1:0", allowAnonymous: true } },
  dropin: { enabled: true, config: { prometheusAddress: "127.0.0.1:0" } },
};
/** Answered by modules that the first request imports, packages among them; and how. */
const LOADED_LATE = {
  "/metrics": 200,
  "/api/v0/openapi.json": 200,
  "/api/v0/mcp": 406,
  "/api/v0/mcp/tools": 200,
  [`/api/v0/read-file?path=${join(ROOT, "deno.json")}`]: 200,
};

/** Listeners by name, and how to connect to each. */
type Listeners = Readonly<Record<string, () => Promise<Deno.Conn>>>;

function listenersOf(agent: AgentProcess): Listeners {
  const tcp = (address: unknown) => {
    const port = Number(/:(\d+)$/.exec(String(address))![1]);
    return () => Deno.connect({ hostname: "127.0.0.1", port });
  };
  const unix = (path: string) => () => Deno.connect({ transport: "unix", path });
  return {
    http: tcp(agent.http),
    unix: unix(agent.unix),
    ssh: tcp(agent.listening.ssh),
    prometheus: tcp(agent.listening.prometheus),
    rpc: unix(join(dirname(agent.unix), "rpc.sock")),
    boundary: unix(agent.env.BOUNDARY!),
  };
}

async function startPoorAgent(): Promise<AgentProcess> {
  const directory = await Deno.makeTempDir({ prefix: "outpost-few-" });
  try {
    const config = join(directory, "config.json");
    const boundary = join(directory, "boundary.sock");
    await Deno.writeTextFile(
      config,
      JSON.stringify({ plugins: { ...PLUGINS, boundarylogs: { config: { socketPath: boundary } } } }),
    );
    const agent = await startAgent({ command: COMMAND, args: ["--config", config], env: { BOUNDARY: boundary } });
    const removed = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
    const all = new AsyncDisposableStack();
    all.use(removed);
    all.use(agent);
    return { ...agent, [Symbol.asyncDispose]: () => all.disposeAsync() };
  } catch (error) {
    await Deno.remove(directory, { recursive: true });
    throw error;
  }
}

const descriptors = (pid: number) => [...Deno.readDirSync(`/proc/${pid}/fd`)].length;

/** Connects until the agent has no descriptor left, and stays so for a while: a listener that was lost comes back once. */
async function useUp(agent: AgentProcess, connect: () => Promise<Deno.Conn>): Promise<Deno.Conn[]> {
  const held: Deno.Conn[] = [];
  await until(agent, async () => {
    if (descriptors(agent.pid) >= LIMIT) return true;
    const connection = await connect().catch(() => undefined); // Refused while its listener is away.
    if (connection !== undefined) held.push(connection);
    return false;
  });
  return held;
}

for (const name of ["http", "unix", "ssh", "prometheus", "rpc", "boundary"]) {
  Deno.test({
    ignore: Deno.build.os !== "linux",
    name:
      `outpost start survives connections to ${name} that use up its file descriptors, and serves everywhere afterwards`,
    async fn() {
      await using agent = await startPoorAgent();
      const listeners = listenersOf(agent);
      using open = await HttpConnection.open(listeners.http!);

      const held = await useUp(agent, listeners[name]!);
      try {
        // They may not be readable now, which must cost no more than these answers.
        for (const [path, status] of Object.entries(LOADED_LATE)) {
          assert([status, 500].includes(await open.get(path, agent.token)), path);
        }
        assertEquals(await open.get("/healthz", agent.token), 200);
      } finally {
        held.forEach((connection) => connection.close());
      }

      await servesEverywhere(agent, listeners);
      for (const [path, status] of Object.entries(LOADED_LATE)) {
        assertEquals(await open.get(path, agent.token), status, `${path}\n${lastLines(agent)}`);
      }
      agent.signal("SIGTERM");
      assertEquals((await agent.ended).code, 0);
    },
  });
}

/** Asks each listener something only a working one answers, again until it does: those that were lost come back in a moment. */
async function servesEverywhere(agent: AgentProcess, listeners: Listeners): Promise<void> {
  await until(agent, () => answers(listeners.http!, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "200 OK"));
  await until(agent, () => answers(listeners.unix!, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "200 OK"));
  await until(agent, () => answers(listeners.prometheus!, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "200 OK"));
  await until(agent, () => answers(listeners.ssh!, "", "SSH-2.0-"));
  // A frame that is none is logged and costs the connection.
  await until(agent, () => answers(listeners.boundary!, "garbage!", ""));
  const ping = await runAgent(["sync", "ping"], { env: agent.env, cwd: agent.dir });
  assertEquals(ping.code, 0, ping.stderr.join("\n"));
  const ran = await runAgent(["exec", "--", "echo", "hello"], { env: agent.env, cwd: agent.dir });
  assertEquals(ran.stdout, ["hello"], ran.stderr.join("\n"));
}

/** Whether a connection is accepted and answered with `expected`; with "" it must be closed. */
async function answers(connect: () => Promise<Deno.Conn>, request: string, expected: string): Promise<boolean> {
  try {
    using connection = await connect();
    await connection.write(new TextEncoder().encode(request));
    const bytes = new Uint8Array(1024);
    const count = await deadline(connection.read(bytes), 2000);
    return expected === ""
      ? count === null
      : new TextDecoder().decode(bytes.subarray(0, count ?? 0)).includes(expected);
  } catch {
    return false;
  }
}

/** One connection for several requests, so that no further descriptor is needed. */
class HttpConnection implements Disposable {
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async open(connect: () => Promise<Deno.Conn>): Promise<HttpConnection> {
    const connection = new HttpConnection(await connect());
    return connection;
  }

  /** Returns the status of the answer, all of which is read. */
  async get(path: string, token: string): Promise<number> {
    const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`;
    await this.#connection.write(new TextEncoder().encode(head));
    let text = "";
    const bytes = new Uint8Array(65_536);
    while (!isWhole(text)) {
      const count = await deadline(this.#connection.read(bytes), HANG_MS);
      if (count === null) throw new Error(`The connection ended after: ${text}`);
      text += new TextDecoder("latin1").decode(bytes.subarray(0, count));
    }
    return Number(text.split(" ")[1]);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Whether an answer has all of its body, by length or in chunks. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith("0\r\n\r\n") : text.length >= end + 4 + Number(length);
}

async function until(agent: AgentProcess, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + HANG_MS;
  while (!await isSo()) {
    if (performance.now() > endsAt) {
      throw new Error(`Still not so: ${isSo}\n${lastLines(agent)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function lastLines(agent: AgentProcess): string {
  return `The agent's last lines:\n${agent.wrote.slice(-LAST_LINES).join("\n")}`;
}
