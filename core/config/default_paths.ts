/**
 * Where the agent's socket and token are when nobody says otherwise. The agent and its commands ask the same functions.
 *
 * @module
 */
import { join } from "@std/path";

import type { Variables } from "../plugin.ts";

/** What decides the place. */
export interface PathFacts {
  readonly env: Variables;
  /** Id of the user; `null` where users have none. */
  readonly uid: number | null;
  /** Whether a directory exists. Default: asks the file system. */
  readonly isDirectory?: (path: string) => boolean;
}

/**
 * The private directory of the agent: `$XDG_RUNTIME_DIR/outpost`, or `/run/user/UID/outpost` where that directory exists, or
 * `/tmp/outpost-UID`.
 */
export function runtimeDirectory(facts: PathFacts): string {
  const isDirectory = facts.isDirectory ?? isDirectoryOnDisk;
  const configured = facts.env.XDG_RUNTIME_DIR;
  // The base directory specification: relative values are invalid and to be ignored.
  if (configured?.startsWith("/")) return join(configured, "outpost");
  const runUser = `/run/user/${facts.uid}`;
  if (facts.uid !== null && isDirectory(runUser)) return join(runUser, "outpost");
  return `/tmp/outpost-${facts.uid ?? "user"}`;
}

/** Path of the Unix socket. */
export function defaultSocketPath(facts: PathFacts): string {
  return join(runtimeDirectory(facts), "agent.sock");
}

/** Where the reference agent has its agent socket; its programs look there when nothing is said. */
const REFERENCE_AGENT_SOCKET = "/tmp/coder-agent.sock";

/**
 * Path of the agent socket; `null` when it is switched off. An agent that was started like the reference agent, with
 * `CODER_AGENT_URL`, has it at the reference's place.
 */
export function defaultAgentSocketPath(facts: PathFacts): string | null {
  const { CODER_AGENT_SOCKET_SERVER_ENABLED: enabled, CODER_AGENT_SOCKET_PATH: path, CODER_AGENT_URL: url } = facts.env;
  if (enabled !== undefined && /^(0|f|false)$/i.test(enabled)) return null;
  return path || (url ? REFERENCE_AGENT_SOCKET : join(runtimeDirectory(facts), "rpc.sock"));
}

/** Path of the file that holds the API token. */
export function defaultTokenFile(facts: PathFacts): string {
  return join(runtimeDirectory(facts), "token");
}

/** The facts of this process. */
export function pathFacts(env: Variables): PathFacts {
  return { env, uid: Deno.uid() };
}

/**
 * Makes the private directory with mode 0700, or takes an existing one that belongs to this user. Without this, another user
 * could wait in `/tmp` with a directory of that name.
 *
 * @throws {Error} If the path is no directory, belongs to somebody else, or others may write to it.
 */
export async function ensurePrivateDirectory(path: string, uid: number | null): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const found = await Deno.lstat(path);
  if (!found.isDirectory) throw new Error(`Cannot use "${path}": it is not a directory`);
  if (uid !== null && found.uid !== null && found.uid !== uid) {
    throw new Error(`Cannot use "${path}": it belongs to user ${found.uid}, this is user ${uid}`);
  }
  if (found.mode === null) return;
  if ((found.mode & 0o022) !== 0) {
    const mode = (found.mode & 0o777).toString(8);
    throw new Error(`Cannot use "${path}": its mode is ${mode}, others may write to it (remove it and start again)`);
  }
  await Deno.chmod(path, 0o700);
}

function isDirectoryOnDisk(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // missing or not to be looked into: either way not usable
  }
}
