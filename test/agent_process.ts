/**
 * The agent as a process of its own, for tests that need signals, a real start or a real crash.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import { deadline } from "@std/async/deadline";
import { fromFileUrl, join } from "@std/path";

import { NETWORK_VARIABLES } from "../core/network_variables.ts";

/** The repository. */
export const ROOT: string = fromFileUrl(new URL("../", import.meta.url));

/** Longest wait for anything the agent does, in milliseconds. Far above what a loaded machine needs: it only ends hangs. */
const HANG_MS = 120_000;

/** What {@linkcode startAgent} takes. */
export interface AgentProcessOptions {
  /** Program and first arguments in front of `start`. Default: Deno with `main.ts`. */
  readonly command?: readonly string[];
  /** The command that starts it. Default: `start`. */
  readonly verb?: "start" | "agent";
  /** Further flags of that command. */
  readonly args?: readonly string[];
  /** Default: a file that does not exist yet, in the agent's own home. */
  readonly tokenFile?: string;
  /** Waits for something else than the line that says where it listens, and finds that out. */
  readonly listening?: (unix: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Path of the Unix socket. Default: where commands look by themselves. */
  readonly unix?: string;
  /** Directory to make the agent's home in. Default: the temporary one. */
  readonly parent?: string;
  /** Further environment; the process gets nothing else but `PATH`, a home of its own, Deno's cache and the way to the network. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended, and all it wrote. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** A running agent with a home, a workspace, a socket and a token of its own. Disposing it ends it. */
export interface AgentProcess extends AsyncDisposable {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`. */
  readonly http: string;
  /** Path of the Unix socket. */
  readonly unix: string;
  readonly token: string;
  /** The workspace: the directory the agent was started with. */
  readonly dir: string;
  /** The line of output that says where the agent listens. */
  readonly listening: Readonly<Record<string, unknown>>;
  /** Environment that lets the agent's own commands find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Asks with the token. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON and returns the JSON answer. @throws {Error} If the answer is none of 2xx. */
  post<T = unknown>(path: string, body: unknown): Promise<T>;
  signal(signal: Deno.Signal): void;
  /** All lines it wrote so far, in the order in which they came. */
  readonly wrote: readonly string[];
  /** Resolves when the process is gone and its output read. */
  readonly ended: Promise<Ended>;
}

/** Starts an agent and waits until it listens. @throws {Error} If it ends before, with what it wrote. */
export async function startAgent(options: AgentProcessOptions = {}): Promise<AgentProcess> {
  const home = await Deno.makeTempDir({ prefix: "outpost-e2e-", dir: options.parent });
  const dir = join(home, "workspace");
  await Deno.mkdir(dir);
  const env = isolatedEnv(home, options.env);
  // Where commands look when nobody names the socket, because XDG_RUNTIME_DIR is the home.
  const runtime = join(home, "outpost");
  const socket = options.unix ?? join(runtime, "agent.sock");
  const tokenFile = options.tokenFile ?? join(runtime, "token");
  const run = launch([
    ...options.command ?? denoMain(),
    options.verb ?? "start",
    ...["--listen", "127.0.0.1:0", "--unix", socket, "--dir", dir, "--log-format", "json"],
    ...["--token-file", tokenFile, ...options.args ?? []],
  ], { cwd: dir, env });
  try {
    const early = options.listening && Promise.race([options.listening(socket), run.listening]);
    const listening = await deadline(early ?? run.listening, HANG_MS);
    const [http, unix] = [String(listening.http), String(listening.unix)];
    const token = options.env?.OUTPOST_TOKEN ?? await tokenIn(tokenFile);
    const ask = (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${token}`);
      return fetch(`${http}${path}`, { ...init, headers });
    };
    return {
      ...{ pid: run.child.pid, http, unix, token, dir, listening, wrote: run.wrote, ended: run.ended },
      fetch: ask,
      env,
      async post<T>(path: string, body: unknown): Promise<T> {
        const response = await ask(path, { method: "POST", body: JSON.stringify(body) });
        const text = await response.text();
        if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
        return JSON.parse(text) as T;
      },
      signal: (signal) => run.child.kill(signal),
      async [Symbol.asyncDispose]() {
        await end(run);
        await Deno.remove(home, { recursive: true });
      },
    };
  } catch (error) {
    await end(run);
    await Deno.remove(home, { recursive: true });
    throw error;
  }
}

/** Empty while there is none: an agent that starts has not written it yet. */
async function tokenIn(file: string): Promise<string> {
  try {
    return (await Deno.readTextFile(file)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Runs a command of the agent to its end. */
export async function runAgent(
  args: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly command?: readonly string[];
  },
): Promise<Ended> {
  return await deadline(launch([...options.command ?? denoMain(), ...args], options).ended, HANG_MS);
}

/** An environment without anything of the developer's: no token, no configuration, no socket. */
export function isolatedEnv(home: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  return {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    HOME: home,
    XDG_RUNTIME_DIR: home,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(cache, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    ...networkVariables(),
    // An agent with a control plane would take the one place that clients of Coder's agent know.
    ...("CODER_AGENT_URL" in more && { CODER_AGENT_SOCKET_PATH: join(home, "coder-agent.sock") }),
    ...more,
  };
}

function networkVariables(): Record<string, string> {
  return Object.fromEntries(NETWORK_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

interface Run {
  readonly child: Deno.ChildProcess;
  readonly listening: Promise<Record<string, unknown>>;
  readonly wrote: readonly string[];
  readonly ended: Promise<Ended>;
}

function denoMain(): string[] {
  return [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];
}

function launch(
  [program, ...args]: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Run {
  const child = new Deno.Command(program!, {
    args,
    cwd: options.cwd,
    env: { ...options.env },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const listening = Promise.withResolvers<Record<string, unknown>>();
  const wrote: string[] = [];
  const stdout = lines(child.stdout, (line) => {
    wrote.push(line);
    const event = eventOf(line);
    if (event?.event === "listening") listening.resolve(event);
  });
  const stderr = lines(child.stderr, (line) => wrote.push(line));
  const ended = Promise.all([child.status, stdout, stderr]).then(([status, out, err]): Ended => {
    listening.reject(new Error(`The agent ended with ${status.code} before it listened:\n${wrote.join("\n")}`));
    return { code: status.code, signal: status.signal, stdout: out, stderr: err };
  });
  // Only those who wait for the start want to hear that there was none.
  listening.promise.catch(() => {});
  return { child, listening: listening.promise, wrote, ended };
}

async function lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>, seen: (line: string) => void): Promise<string[]> {
  const all: string[] = [];
  for await (const line of stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    all.push(line);
    seen(line);
  }
  return all;
}

function eventOf(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // A line for people; the caller sees it in `stdout`.
  }
}

async function end(run: Run): Promise<void> {
  kill(run.child, "SIGTERM");
  try {
    await deadline(run.ended, HANG_MS);
  } catch {
    kill(run.child, "SIGKILL");
    await run.ended;
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It ended by itself, which is what was wanted.
  }
}
