/**
 * An agent whose whole offspring can be told from everything else on the machine, for tests of how it ends.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { MARK_VARIABLE, marksOf } from "../../core/exec/process_scan.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { type AgentProcess, type AgentProcessOptions, startAgent } from "../agent_process.ts";
import { Cable } from "./cable.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** Longest wait for anything, in milliseconds. It only ends hangs. */
const HANG_MS = 120_000;
/** Limits of the end that make a test short, in milliseconds. */
const LIMITS = { drainMs: 1000, stopMs: 5000, lastWordsMs: 2000, terminateMs: 1000 } as const;
/** What the agent gives a control plane to close the connection, and its front to give the last answers, in milliseconds. */
const FAREWELL_MS = 5000 + 2000;
/** The longest end: a drain that is cut, and then a stop that is cut. */
export const LONGEST_END_MS: number = LIMITS.lastWordsMs + LIMITS.drainMs + LIMITS.stopMs + FAREWELL_MS;

/** What {@linkcode startMarked} takes. */
export interface MarkedAgentOptions extends Pick<AgentProcessOptions, "args" | "env" | "listening"> {
  /** Settings by their path; values are JSON. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What a control plane tells the agent. Absent: there is no control plane. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** How an agent ended. */
export interface Ending {
  readonly code: number;
  /** Milliseconds. */
  readonly tookMs: number;
  /** Plugin and phase of what the log says did not finish. */
  readonly unfinished: readonly string[];
  /** Plugin and phase of what the log says went wrong. */
  readonly errors: readonly string[];
  /** What is left: processes with their commands, and sockets. */
  readonly left: readonly string[];
  /** Time from the first draining of each plugin to its end, in milliseconds. */
  readonly perPlugin: Readonly<Record<string, number>>;
  /** The log, for messages. */
  readonly log: string;
}

/** A running agent. Disposing it ends it, and its control plane. */
export interface MarkedAgent extends AsyncDisposable {
  readonly agent: AgentProcess;
  /** Directory of the sockets for programs of the workspace. */
  readonly sockets: string;
  /** The connection to the control plane goes dead: open, and nothing comes through any more. */
  cut(): void;
  /** Connections to the control plane so far. */
  connections(): number;
  /** The states that the control plane was told. */
  states(): Promise<readonly string[]>;
  /** Waits for the end. Asked for before the signal, it measures from then. */
  end(): Promise<Ending>;
}

/** Starts it and waits until it listens. */
export async function startMarked(options: MarkedAgentOptions = {}): Promise<MarkedAgent> {
  const mark = crypto.randomUUID();
  await using opened = new AsyncDisposableStack();
  const plane = options.manifest && opened.use(startControlPlane({
    agents: parseAgentsFile(JSON.stringify({ agents: [{ name: "dev", token: TOKEN, ...options.manifest }] }), "test"),
    logSink: () => {},
  }));
  const cable = plane && opened.use(new Cable(Number(new URL(plane.address).port)));
  // Who has a control plane has these where Coder's agent has them: in one place for all.
  const sockets = await Deno.makeTempDir({ prefix: "outpost-sockets-" });
  opened.defer(() => Deno.remove(sockets, { recursive: true }));
  const settings = { ...limits(), ...options.settings };
  const agent = opened.use(
    await startAgent({
      args: [...options.args ?? [], ...Object.entries(settings).flatMap(setting)],
      listening: options.listening,
      env: {
        [MARK_VARIABLE]: mark,
        CODER_AGENT_SOCKET_PATH: join(sockets, "rpc.sock"),
        CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: join(sockets, "boundary.sock"),
        ...(cable && { CODER_AGENT_URL: `http://127.0.0.1:${cable.port}`, CODER_AGENT_TOKEN: TOKEN }),
        ...options.env,
      },
    }),
  );
  const all = opened.move();
  return {
    agent,
    sockets,
    cut: () => cable?.cut(),
    connections: () => cable?.connections ?? 0,
    async states() {
      if (plane === undefined) return [];
      const response = await fetch(`${plane.address}/api/agents/dev`, {
        headers: { authorization: `Bearer ${plane.token}` },
      });
      const { lifecycle_history: history }: { lifecycle_history: { state: string }[] } = await response.json();
      return history.map(({ state }) => state);
    },
    async end() {
      const from = performance.now();
      const { code, stderr } = await agent.ended;
      const tookMs = performance.now() - from;
      // A hard exit leaves socket files, which the next start replaces.
      const stale = code === 0 ? [dirname(agent.unix), sockets].flatMap(socketsIn) : [];
      return { code, tookMs, left: [...offspringOf(mark), ...stale], ...told(stderr), log: stderr.join("\n") };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Sockets in a directory, which need not be there. */
export function socketsIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".sock")).map(({ name }) => name);
  } catch {
    return []; // Not even the directory is there.
  }
}

/** Processes that carry the mark: number and command. */
export function offspringOf(mark: string): string[] {
  const numbers = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
  return numbers.filter((pid) => marksOf(pid).includes(mark)).map((pid) => `${pid} ${commandOf(pid)}`);
}

/** Asks again until it is so. @throws {Error} When it never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + HANG_MS;
  while (!await isSo()) {
    if (performance.now() > endsAt) throw new Error(`Still not so: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whether there is something at a path. */
export function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

function limits(): Record<string, unknown> {
  return {
    "agent.log.level": "debug",
    "agent.shutdown.drainMs": LIMITS.drainMs,
    "agent.deadlines.stopMs": LIMITS.stopMs,
    // A plugin that is held in one of these waits for the signal, however long the others take to become busy.
    ...Object.fromEntries(["setupMs", "startMs", "readyMs"].map((name) => [`agent.deadlines.${name}`, HANG_MS])),
    "plugins.controlplane.config.lastWordsMs": LIMITS.lastWordsMs,
    "plugins.agentproc.config.terminateMs": LIMITS.terminateMs,
  };
}

function setting([path, value]: [string, unknown]): string[] {
  return ["--set", `${path}=${JSON.stringify(value)}`];
}

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  } catch {
    return "which is gone";
  }
}

function told(lines: readonly string[]): Pick<Ending, "unfinished" | "errors" | "perPlugin"> {
  const unfinished: string[] = [];
  const errors: string[] = [];
  const perPlugin: Record<string, number> = {};
  const drainingSince: Record<string, number> = {};
  for (const line of lines) {
    if (!line.startsWith("{")) continue; // Of the runtime, or of a crash: it is in the log that failures show.
    const { message, logger, plugin = logger.split(".").at(-1), phase, state, "@timestamp": at } = JSON.parse(line);
    if (message === "did not finish") unfinished.push(`${plugin}: ${phase}`);
    if (message === "plugin error") errors.push(`${plugin}: ${phase}`);
    if (message !== "plugin state") continue;
    if (state === "draining") drainingSince[plugin] = Date.parse(at);
    if (plugin in drainingSince) perPlugin[plugin] = Date.parse(at) - drainingSince[plugin]!;
  }
  return { unfinished, errors, perPlugin };
}
