/**
 * An agent whose process is stopped while its clocks go on, for tests of what it does afterwards.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

import type { AgentProcess } from "../agent_process.ts";
import { stateOf } from "../process_namespace.ts";
import { type MarkedAgent, until } from "./marked_agent.ts";

/** Moves the clocks of a process that is started with it; Debian's package `faketime` has it. */
export const LIBRARY: string | undefined = findLibrary();

/** What an agent has to be started with. `file` says how far its clocks are ahead. */
export function movableClocks(file: string): Record<string, string> {
  return { LD_PRELOAD: LIBRARY ?? "", FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" };
}

/** Stops the process, and moves its clocks on while it stands. SIGCONT lets it go on. */
export async function stopFor(seconds: number, { agent }: MarkedAgent, time: string): Promise<void> {
  agent.signal("SIGSTOP");
  await until(() => stateOf(agent.pid) === "T");
  await Deno.writeTextFile(time, `+${seconds}`);
}

/** How the agent sees its connection to the control plane. */
export async function connectionOf(agent: AgentProcess): Promise<string> {
  return (await (await agent.fetch("/api/v0/status")).json()).control_plane.state;
}

/** A WebSocket of the agent. */
export interface OpenSocket extends AsyncDisposable {
  /** Types into a terminal. */
  type(text: string): void;
  /** All that came. */
  seen(): string;
  isOpen(): boolean;
}

/** Opens one. */
export async function openSocket(agent: AgentProcess, path: string): Promise<OpenSocket> {
  const socket = new WebSocket(`${agent.http.replace("http", "ws")}${path}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  socket.binaryType = "arraybuffer";
  let text = "";
  socket.onmessage = ({ data }) => text += typeof data === "string" ? data : new TextDecoder().decode(data);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot open ${path}`));
  });
  return {
    type: (data) => socket.send(new TextEncoder().encode(JSON.stringify({ data }))),
    seen: () => text,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

/** Gives a test a directory for a while. */
export async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "outpost-suspend-" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function findLibrary(): string | undefined {
  for (const { name } of Deno.readDirSync("/usr/lib")) {
    const path = `/usr/lib/${name}/faketime/libfaketimeMT.so.1`;
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Not for this architecture.
    }
  }
  return undefined;
}

/** Ends the agent as its user would: nothing went wrong, and nothing is left behind. */
export async function assertEndsWell(world: MarkedAgent): Promise<void> {
  world.agent.signal("SIGTERM");
  const { code, errors, unfinished, log } = await world.end();
  assertEquals([code, errors, unfinished], [0, [], []], log);
}
