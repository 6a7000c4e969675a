/**
 * An agent of a control plane, as a process of its own, for demonstrations.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** Time for the agent to say its last words before it is killed, in milliseconds. */
const STOP_MS = 20_000;

/** Which agent, and where. */
export interface AgentOfOptions {
  /** The control plane. */
  readonly http: string;
  /** What the agent proves itself with. */
  readonly token: string;
  /** Its home: a directory for its sockets and its token, and where its commands start. */
  readonly home: string;
  /** Log lines below it are not shown. Default `info`. */
  readonly logLevel?: "info" | "error";
}

/** An agent that runs. Disposing it ends it. */
export interface RunningAgent extends AsyncDisposable {
  /** Resolves when the process is gone. */
  readonly ended: Promise<Deno.CommandStatus>;
}

/** Starts the stock agent. It listens on `agent.sock` in its home. */
export function startAgentOf({ http, token, home, logLevel = "info" }: AgentOfOptions): RunningAgent {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "start", "--unix", join(home, "agent.sock")],
      ...["--listen", "127.0.0.1:0", "--token-file", join(home, "agent-token"), "--dir", home, "--log-level", logLevel],
    ],
    env: {
      CODER_AGENT_URL: http,
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
