/**
 * An agent that serves SSH, and OpenSSH's programs pointed at it, for tests with real clients.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";

import type { Plugin } from "../core/plugin.ts";
import { createTestAgent, type TestAgent, type TestAgentOptions } from "../core/testing/mod.ts";
import ssh from "../plugins/ssh/mod.ts";

/** Longest wait for a client, in milliseconds. Far above what a loaded machine needs: it only ends hangs. */
const HANG_MS = 60_000;

/** What {@linkcode startSshAgent} takes. */
export interface SshAgentOptions {
  /** Settings of the plugin; by default everybody may log in over loopback. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The `agent` section. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Further plugins. */
  readonly plugins?: readonly Plugin[];
  /** Their settings, by id. */
  readonly pluginConfig?: Readonly<Record<string, unknown>>;
  readonly services?: TestAgentOptions["services"];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a client wrote, and how it ended. */
export interface ClientResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How a client is run. */
export interface ClientOptions {
  /** What the client reads. Default: nothing. */
  readonly input?: string | Uint8Array<ArrayBuffer>;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** An agent with a home of its own, and clients for it. Disposing it stops it. */
export interface SshAgent extends AsyncDisposable {
  readonly agent: TestAgent;
  readonly port: number;
  /** Home of the sessions, and a place for files. Absolute. */
  readonly home: string;
  /** Configuration file for OpenSSH's programs: the host is called `workspace`. */
  readonly clientConfig: string;
  /** Runs `ssh … workspace COMMAND`. `flags` stand in front of the host. */
  ssh(
    command: string | undefined,
    options?: ClientOptions & { readonly flags?: readonly string[] },
  ): Promise<ClientResult>;
  /** Runs any client; `-F` with the configuration is put behind the program's name. */
  run(words: readonly [string, ...string[]], options?: ClientOptions): Promise<ClientResult>;
  /** Starts any client like {@linkcode run}, and leaves it running. */
  spawn(words: readonly [string, ...string[]], options?: Pick<ClientOptions, "env" | "cwd">): Deno.ChildProcess;
}

/** Starts it. */
export async function startSshAgent(options: SshAgentOptions = {}): Promise<SshAgent> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-ssh-" }));
  const agent = await createTestAgent({
    plugins: [ssh, ...options.plugins ?? []],
    config: {
      ssh: { allowAnonymous: true, hostKeyFile: join(home, "host_key"), ...options.config },
      ...options.pluginConfig,
    },
    agent: options.agent,
    services: options.services,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", HOME: home, SHELL: "/bin/bash", ...options.env },
    time: "real",
  });
  const address = agent.agent.addresses.ssh ?? "";
  const port = Number(address.split(":").at(-1));
  const clientConfig = join(home, "client_config");
  await Deno.writeTextFile(clientConfig, configFor(port));

  function spawn(words: readonly [string, ...string[]], client: ClientOptions = {}): Deno.ChildProcess {
    const [program, ...args] = words;
    return new Deno.Command(program, {
      args: ["-F", clientConfig, ...args],
      cwd: client.cwd ?? home,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: home, ...client.env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }
  async function run(words: readonly [string, ...string[]], client: ClientOptions = {}): Promise<ClientResult> {
    return await resultOf(spawn(words, client), client.input);
  }
  return {
    agent,
    port,
    home,
    clientConfig,
    run,
    spawn,
    ssh: (command, client = {}) =>
      run(["ssh", ...client.flags ?? [], "workspace", ...(command === undefined ? [] : [command])], client),
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

/** Gives a client its input, and waits for its end. @throws {DeadlineError} When it hangs; it is ended then. */
export async function resultOf(
  child: Deno.ChildProcess,
  input: string | Uint8Array<ArrayBuffer> = "",
): Promise<ClientResult> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  // A client that ends before it has read everything is not a fault of the test.
  const fed = new Blob([bytes]).stream().pipeTo(child.stdin).catch(() => {});
  try {
    const [{ code, stdout, stderr }] = await deadline(Promise.all([child.output(), fed]), HANG_MS);
    return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Whether a program is there. In CI every program has to be, so there the answer is yes and the test fails without it. */
export function hasProgram(name: string): boolean {
  if (Deno.env.get("CI") === "true") return true;
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(join(directory, name)).isFile;
    } catch {
      return false; // not in this directory
    }
  });
}

function configFor(port: number): string {
  return [
    "Host workspace",
    "  HostName 127.0.0.1",
    `  Port ${port || 22}`,
    "  User nobody",
    "  StrictHostKeyChecking no",
    "  UserKnownHostsFile /dev/null",
    "  IdentityFile /dev/null",
    "  IdentitiesOnly yes",
    "  LogLevel ERROR",
    "",
  ].join("\n");
}
