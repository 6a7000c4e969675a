/**
 * Files of an agent's workspace.
 *
 * @module
 */
import type { CallOptions, Connection } from "./connection.ts";
import type { DirectoryListing, EditedFiles, EditFiles, FileLines, Operations } from "./gen/api.ts";

/** A file's bytes. Read them once, by one of the methods. */
export interface FileContent {
  /** The file's version, for {@linkcode WriteOptions.ifMatch}; absent for what has none. */
  readonly version?: string;
  /** By extension. */
  readonly mediaType: string;
  readonly body: ReadableStream<Uint8Array>;
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
}

/** Which part of a file. */
export interface ReadOptions extends CallOptions {
  /** First byte. Default 0. */
  readonly offset?: number;
  /** Most bytes. Default: all. */
  readonly limit?: number;
}

/** What has to hold before a file is replaced; otherwise the agent answers 412 and leaves it alone. */
export interface WriteOptions extends CallOptions {
  /** The version it must have, or `*` for any. */
  readonly ifMatch?: string;
  /** `*`: the file must not exist. */
  readonly ifNoneMatch?: string;
}

/** How to show lines; see the API document. */
export type LineOptions = CallOptions & Omit<Operations["files.lines"]["query"], "path">;

/** Reads and changes files. */
export class Files {
  readonly #connection: Connection;

  /** @param connection The agent. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Lists a directory; relative to the home directory when `path` is a list. */
  list(path: string | readonly string[], options: CallOptions = {}): Promise<DirectoryListing> {
    return typeof path === "string"
      ? this.#connection.call("files.list", { query: { path }, body: {}, ...options })
      : this.#connection.call("files.list", { body: { path, relativity: "home" }, ...options });
  }

  /** Reads a file. */
  async read(path: string, options: ReadOptions = {}): Promise<FileContent> {
    const { offset, limit, signal } = options;
    const response = await this.#connection.request("files.read", { query: { path, offset, limit }, signal });
    return contentOf(response);
  }

  /** Reads a file unless it still has `version`; then resolves to `undefined`. */
  async readIfChanged(path: string, version: string, options: CallOptions = {}): Promise<FileContent | undefined> {
    const headers = { "if-none-match": version };
    const response = await this.#connection.request("files.read", { query: { path }, headers, ...options }, [304]);
    if (response.status !== 304) return contentOf(response);
    await response.body?.cancel();
    return undefined;
  }

  /** Reads numbered lines, as a model wants them. `success: false` says why not. */
  lines(path: string, options: LineOptions = {}): Promise<FileLines> {
    const { signal, ...query } = options;
    return this.#connection.call("files.lines", { query: { path, ...query }, signal });
  }

  /** Writes a whole file, and the directories above it. Resolves to the new version. */
  async write(path: string, contents: BodyInit, options: WriteOptions = {}): Promise<{ readonly version: string }> {
    const { signal, ifMatch, ifNoneMatch } = options;
    const response = await this.#connection.request("files.write", {
      query: { path },
      headers: { ...(ifMatch && { "if-match": ifMatch }), ...(ifNoneMatch && { "if-none-match": ifNoneMatch }) },
      body: contents,
      signal,
    });
    await response.body?.cancel();
    return { version: response.headers.get("etag") ?? "" };
  }

  /** Searches and replaces in files, in all of them or none. */
  edit(request: EditFiles, options: CallOptions = {}): Promise<EditedFiles> {
    return this.#connection.call("files.edit", { body: request, ...options });
  }

  /** Follows symbolic links. Resolves to where the path leads; the file itself need not exist. */
  async resolve(path: string, options: CallOptions = {}): Promise<string> {
    return (await this.#connection.call("files.resolve", { query: { path }, ...options })).resolved_path;
  }
}

function contentOf(response: Response): FileContent {
  const version = response.headers.get("etag");
  return {
    ...(version !== null && { version }),
    mediaType: response.headers.get("content-type") ?? "",
    body: response.body!,
    bytes: async () => new Uint8Array(await response.arrayBuffer()),
    text: () => response.text(),
  };
}
