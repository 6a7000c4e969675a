/**
 * The control plane with one agent connected, until Ctrl-C. Start it with: `deno task demo`
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

import { startAgentOf } from "./agent_of.ts";
import { readAgentsFile } from "./agents_file.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** The agent of the file that the demonstration runs. */
const AGENT = "dev";

if (import.meta.main) await demo();

/** Starts both, says where to look, and ends both when asked to. */
async function demo(): Promise<void> {
  const asked = untilAsked();
  const home = await Deno.makeTempDir({ prefix: "outpost-demo-" });
  try {
    const agents = join(ROOT, "examples/control-plane/agents.jsonc");
    await using server = await startServer({ args: ["--agents", agents, "--database", join(home, "plane.db")] });
    const token = (await readAgentsFile(agents)).agents.find(({ name }) => name === AGENT)!.token;
    await using agent = startAgentOf({ http: server.http, token, home });
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
  Chats:           ${http}/chats after that; they have a model when ANTHROPIC_API_KEY is set
  As JSON:         curl -H "Authorization: Bearer ${token}" ${http}/api/agents/${AGENT}
  Its HTTP API:    curl -H "Authorization: Bearer ${token}" ${http}/api/agents/${AGENT}/proxy/api/v0/info
  Run something:   deno task outpost exec --unix ${join(home, "agent.sock")} -- uname -a

Ctrl-C ends both.
`);
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
