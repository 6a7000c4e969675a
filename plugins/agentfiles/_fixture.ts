/**
 * An agent with the file plugin and a folder to work in.
 *
 * @module
 */
import { createTestAgent, fake, type TestAgent } from "../../core/testing/mod.ts";
import { PathActivity } from "../agentgit/service.ts";
import type { AgentfilesConfig } from "./config.ts";
import { type FileSystem, systemFiles } from "./file_system.ts";
import { agentfilesOn } from "./plugin.ts";

/** What a test may bend. */
export interface FixtureOptions {
  /** Operations that replace those of the machine. */
  readonly files?: Partial<FileSystem>;
  readonly config?: Partial<AgentfilesConfig>;
}

/** The routes on a folder of their own, which is also the home directory. */
export interface Fixture extends AsyncDisposable {
  readonly agent: TestAgent;
  readonly folder: string;
  /** What the git watcher was told: chat ids and paths. */
  readonly touched: readonly { readonly chats: readonly string[]; readonly paths: readonly string[] }[];
  get(route: string, query?: Readonly<Record<string, string>>, headers?: HeadersInit): Promise<Response>;
  /** Objects go as JSON, everything else as it is. */
  post(
    route: string,
    body: unknown,
    query?: Readonly<Record<string, string>>,
    headers?: HeadersInit,
  ): Promise<Response>;
  /** Any request; `path` is below the plugin's prefix. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Writes a file into the folder; gives its path. */
  file(name: string, contents: string | Uint8Array, mode?: number): Promise<string>;
  text(name: string): Promise<string>;
  /** Names in the folder, sorted: shows temporary files that were left. */
  names(): Promise<string[]>;
}

/** Starts the agent. Leaving the block stops it and removes the folder. */
export async function startFiles(options: FixtureOptions = {}): Promise<Fixture> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentfiles-" }));
  const touched: { chats: readonly string[]; paths: readonly string[] }[] = [];
  const agent = await createTestAgent({
    plugins: [agentfilesOn({ ...systemFiles, ...options.files })],
    config: { agentfiles: options.config ?? {} },
    services: [fake(PathActivity, { touched: (chats, paths) => void touched.push({ chats, paths }) })],
    env: { HOME: folder },
  });
  const url = (route: string, query: Readonly<Record<string, string>> = {}): string => {
    const text = new URLSearchParams(query).toString();
    return `/api/v0/${route}${text === "" ? "" : `?${text}`}`;
  };
  return {
    agent,
    folder,
    touched,
    request: (path, init) => agent.fetch(`/api/v0${path}`, init),
    get: (route, query, headers) => agent.get(url(route, query), headers),
    post: (route, body, query, headers) => agent.post(url(route, query), body ?? undefined, headers),
    async file(name, contents, mode) {
      const path = `${folder}/${name}`;
      await Deno.writeFile(path, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
      if (mode !== undefined) await Deno.chmod(path, mode);
      return path;
    },
    text: (name) => Deno.readTextFile(`${folder}/${name}`),
    names: async () => (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort(),
    async [Symbol.asyncDispose]() {
      try {
        await agent[Symbol.asyncDispose]();
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

/** A file system operation that is refused. */
export function denied(): Promise<never> {
  return Promise.reject(new Deno.errors.PermissionDenied("permission denied"));
}

/** Message of an error body. */
export async function messageOf(response: Response): Promise<string> {
  return (await response.json()).message;
}
