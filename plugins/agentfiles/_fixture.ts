/**
 * A file plugin in memory with a folder to work in, for tests of the routes.
 *
 * @module
 */
import { Hono } from "hono";

import { problemResponse } from "../../core/http/problem.ts";
import type { AgentfilesConfig } from "./config.ts";
import { agentfilesConfig } from "./config.ts";
import { FileChangeFeed } from "./file_change_feed.ts";
import { type FileSystem, systemFiles } from "./file_system.ts";
import { PathLocks } from "./path_locks.ts";
import { registerRoutes } from "./routes.ts";

/** What a test may bend. */
export interface FixtureOptions {
  /** Operations that replace those of the machine. */
  readonly files?: Partial<FileSystem>;
  readonly config?: Partial<AgentfilesConfig>;
}

/** The routes on a folder of their own. */
export interface Fixture extends AsyncDisposable {
  readonly folder: string;
  readonly feed: FileChangeFeed;
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
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Writes a file into the folder; gives its path. */
  file(name: string, contents: string | Uint8Array, mode?: number): Promise<string>;
  text(name: string): Promise<string>;
  /** Names in the folder, sorted: shows temporary files that were left. */
  names(): Promise<string[]>;
}

/** Starts the routes. Leaving the block removes the folder. */
export async function startFiles(options: FixtureOptions = {}): Promise<Fixture> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentfiles-" }));
  const app = new Hono();
  app.onError((error) => problemResponse(error, {}));
  const feed = new FileChangeFeed();
  const touched: { chats: readonly string[]; paths: readonly string[] }[] = [];
  const counter = { inc() {}, add() {} };
  registerRoutes({ app, limit() {}, webSocket() {} }, {
    files: { ...systemFiles, ...options.files },
    locks: new PathLocks(),
    config: { ...agentfilesConfig.parse({}), ...options.config },
    metrics: { writes: counter, edits: counter, matches: counter, readBytes: counter, writtenBytes: counter },
    feed,
    activity: { touched: (chats, paths) => void touched.push({ chats, paths }) },
    now: () => 1000,
    home: () => Promise.resolve(folder),
    onAttributeLost() {},
  });
  const request = async (path: string, init: RequestInit = {}): Promise<Response> =>
    await app.request(`http://localhost${path}`, init);
  const url = (route: string, query: Readonly<Record<string, string>> = {}): string => {
    const text = new URLSearchParams(query).toString();
    return `/${route}${text === "" ? "" : `?${text}`}`;
  };
  return {
    folder,
    feed,
    touched,
    request,
    get: (route, query, headers) => request(url(route, query), { headers }),
    post: (route, body, query, headers) => {
      const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream ||
        body === null;
      return request(url(route, query), {
        method: "POST",
        headers,
        body: raw ? body as BodyInit | null : JSON.stringify(body),
      });
    },
    async file(name, contents, mode) {
      const path = `${folder}/${name}`;
      await Deno.writeFile(path, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
      if (mode !== undefined) await Deno.chmod(path, mode);
      return path;
    },
    text: (name) => Deno.readTextFile(`${folder}/${name}`),
    names: async () => (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort(),
    async [Symbol.asyncDispose]() {
      feed[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
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
