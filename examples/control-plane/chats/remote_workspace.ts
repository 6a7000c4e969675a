/**
 * A workspace for tools, over an agent's HTTP API.
 *
 * @module
 */
import { OutpostClient, type Transport } from "../../../client/mod.ts";
import type {
  CommandOutput,
  WorkspaceApi,
  WorkspaceFiles,
  WorkspaceProcesses,
} from "../../../plugins/mcp/tools/mod.ts";
import { type ChatCaller, chatHeaders } from "./chat_headers.ts";

/** Every host leads to the agent. */
const AGENT_HOST = "agent.internal";

/** Longest delay a timer can take, in milliseconds; a longer one would fire at once. Whoever waits longer asks again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The workspace behind `http`, as a chat may use it. Nothing is asked before a tool asks. */
export function remoteWorkspace(http: () => Promise<Deno.HttpClient>, caller: ChatCaller): WorkspaceApi {
  const client = agentClient(http, caller);
  return { processes: remoteProcesses(client), files: remoteFiles(client) };
}

/** A client of the agent behind `http` that asks for a chat. */
export function agentClient(http: () => Promise<Deno.HttpClient>, caller: ChatCaller): OutpostClient {
  return new OutpostClient(tunnelTransport(http, chatHeaders(caller)));
}

function tunnelTransport(http: () => Promise<Deno.HttpClient>, chat: Readonly<Record<string, string>>): Transport {
  return {
    async fetch(path, init = {}) {
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(chat)) headers.set(name, value);
      return await fetch(`http://${AGENT_HOST}${path}`, { ...init, headers, client: await http() });
    },
  };
}

function remoteProcesses(client: OutpostClient): WorkspaceProcesses {
  return {
    start: ({ command, workdir, env, background }) => client.processes.start({ command, workdir, env, background }),
    output: (id, wait) => outputAfter(client, id, wait),
    list: async () => ({ processes: await client.processes.list() }),
    signal: (id, signal) => client.processes.signal(id, signal),
  };
}

/** One request that waits at the agent, and when it was given up, one that does not. */
async function outputAfter(
  client: OutpostClient,
  id: string,
  { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<CommandOutput> {
  if (waitMs <= 0) return await client.processes.output(id, { signal });
  const enough = AbortSignal.any([AbortSignal.timeout(Math.min(waitMs, MAX_TIMER_MS)), ...(signal ? [signal] : [])]);
  try {
    // Waits on where the agent's own limit is shorter.
    return await client.processes.wait(id, { signal: enough });
  } catch (error) {
    if (!enough.aborted) throw error;
    return await client.processes.output(id);
  }
}

function remoteFiles(client: OutpostClient): WorkspaceFiles {
  return {
    readLines: ({ path, offset, limit }) => client.files.lines(path, { offset, limit }),
    async read({ path, offset, limit }) {
      // One byte more tells whether the file goes on.
      const content = await client.files.read(path, { offset, limit: limit + 1 });
      const bytes = await content.bytes();
      return { bytes: bytes.subarray(0, limit), mediaType: content.mediaType, more: bytes.length > limit };
    },
    async write({ path, content }) {
      await client.files.write(path, content);
    },
    edit: async (files) => (await client.files.edit({ files, include_diff: true })).files ?? [],
    list: (path) => client.files.list(path),
  };
}
