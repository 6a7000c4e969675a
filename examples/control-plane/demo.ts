/**
 * The control plane with one agent connected, until Ctrl-C. Start it with: `deno task demo`
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

import { readAgentsFile } from "./agents_file.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** The agent of the file that the demonstration runs. */
const AGENT = "dev";
/** Time for the agent to say its last words before it is killed, in milliseconds. */
const STOP_MS = 20_000;

if (import.meta.main) await demo();

/** Starts both, says where to look, and ends both when asked to. */
async function demo(): Promise<void> {
  const asked = untilAsked();
  const home = await Deno.makeTempDir({ prefix: "outpost-demo-" });
  try {
    const agents = join(ROOT, "examples/control-plane/agents.jsonc");
    await using server = await startServer({ args: ["--agents", agents, "--database", join(home, "plane.db")] });
    const token = (await readAgentsFile(agents)).agents.find(({ name }) => name === AGENT)!.token;
    await using agent = startAgent(home, server.http, token);
    await untilReady(server, agent.ended);
    say(server, home);
    await Promise.race([asked, agent.ended]);
    console.log("Stopping both");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function say({ http, token, link }: ServerProcess, home: string): void {
  console.log(`
The control plane listens on ${http}, and the agent "${AGENT}" is connected.

  In a browser:    ${link}
  As JSON:         curl -H "Authorization: Bearer ${token}" ${http}/api/agents/${AGENT}
  Its HTTP API:    curl -H "Authorization: Bearer ${token}" ${http}/api/agents/${AGENT}/proxy/api/v0/info
  Run something:   deno task outpost exec --unix ${join(home, "agent.sock")} -- uname -a

Ctrl-C ends both.
`);
}

interface RunningAgent extends AsyncDisposable {
  /** Resolves when the process is gone. */
  readonly ended: Promise<Deno.CommandStatus>;
}

function startAgent(home: string, url: string, token: string): RunningAgent {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "start", "--unix", join(home, "agent.sock")],
      ...["--listen", "127.0.0.1:0", "--token-file", join(home, "agent-token"), "--dir", home],
    ],
    env: {
      CODER_AGENT_URL: url,
      CODER_AGENT_TOKEN: token,
      CODER_AGENT_SOCKET_PATH: join(home, "agent-api.sock"),
      CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: join(home, "boundary.sock"),
    },
    stdin: "null",
    stdout: "null",
  }).spawn();
  let isOver = false;
  const ended = child.status.finally(() => isOver = true);
  return {
    ended,
    async [Symbol.asyncDispose]() {
      if (!isOver) child.kill("SIGTERM");
      const tooLate = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(tooLate);
    },
  };
}

/** @throws {Error} When the agent ends instead. */
async function untilReady(server: ServerProcess, ended: Promise<Deno.CommandStatus>): Promise<void> {
  const gone = new AbortController();
  ended.then(({ code }) => gone.abort(new Error(`The agent ended with ${code} before it was connected`)));
  const response = await fetch(`${server.http}/api/events`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: gone.signal,
  });
  for await (const _ of response.body!) {
    const { connection, lifecycle } = await server.ask(`/api/agents/${AGENT}`);
    if (connection === "connected" && lifecycle === "ready") return;
  }
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}
