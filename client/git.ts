/**
 * Git repositories of an agent's workspace.
 *
 * @module
 */
import { OutpostConnectionError } from "./api_error.ts";
import type { CallOptions, Connection } from "./connection.ts";
import type { RepositoryDiff, RepositoryStatus, WatchMessage, WatchRefresh } from "./gen/api.ts";

/** What is watched. */
export interface WatchOptions extends CallOptions {
  /** UUID of the chat whose repositories are watched. */
  readonly chatId?: string;
}

/** Shows repositories and how they change. */
export class GitRepositories {
  readonly #connection: Connection;

  /** @param connection The agent. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Text of a file as it was in a commit. */
  async show(
    repoRoot: string,
    path: string,
    options: CallOptions & { readonly ref?: string } = {},
  ): Promise<string> {
    const { ref, signal } = options;
    return (await this.#connection.call("git.show", { query: { repo_root: repoRoot, path, ref }, signal })).contents;
  }

  /** Files that differ at or below `path`. */
  status(path: string, options: CallOptions = {}): Promise<RepositoryStatus> {
    return this.#connection.call("git.status", { query: { path }, ...options });
  }

  /** Compares the working tree at or below `path` with a commit. */
  diff(path: string, options: CallOptions & { readonly base?: string } = {}): Promise<RepositoryDiff> {
    const { base, signal } = options;
    return this.#connection.call("git.diff", { query: { path, base }, signal });
  }

  /** Watches the repositories of a chat. Iterate over the result; close it, or leave the loop, when done. */
  watch(options: WatchOptions = {}): GitWatch {
    const socket = this.#connection.webSocket("git.watch", { query: { chat_id: options.chatId } });
    return new GitWatch(socket, options.signal);
  }
}

/** An open watch: messages as they come. One loop at a time. */
export class GitWatch implements AsyncIterable<WatchMessage> {
  readonly #socket: WebSocket;
  readonly #messages: WatchMessage[] = [];
  readonly #opened: Promise<void>;
  #wake = () => {};
  #end: { readonly error?: unknown } | undefined;

  /** @param socket May still be connecting. */
  constructor(socket: WebSocket, signal?: AbortSignal) {
    this.#socket = socket;
    this.#opened = new Promise((resolve) => {
      if (socket.readyState === OPEN) resolve();
      socket.onopen = () => resolve();
    });
    socket.onmessage = ({ data }) => {
      this.#messages.push(JSON.parse(data));
      this.#wake();
    };
    socket.onclose = ({ code, reason }) => {
      const isGood = code === 1000 || code === 1001 || this.#end !== undefined;
      this.#finish(
        isGood ? {} : { error: new OutpostConnectionError(`The watch ended with ${code} ${reason}`.trim()) },
      );
    };
    // The close event follows and says more.
    socket.onerror = (event) => event.preventDefault?.();
    const abort = () => {
      this.#finish({ error: signal?.reason });
      socket.close();
    };
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  }

  /** Asks for a scan of every repository, now. */
  async refresh(): Promise<void> {
    await this.#opened;
    this.#socket.send(JSON.stringify({ type: "refresh" } satisfies WatchRefresh));
  }

  /** Ends the watch; a loop over it ends too. */
  close(): void {
    this.#finish({});
    this.#socket.close(1000);
  }

  /** Messages until the watch is closed. @throws {OutpostConnectionError} When the connection is lost. */
  async *[Symbol.asyncIterator](): AsyncIterator<WatchMessage> {
    try {
      while (true) {
        const message = this.#messages.shift();
        if (message !== undefined) yield message;
        else if (this.#end?.error !== undefined) throw this.#end.error;
        else if (this.#end !== undefined) return;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.close();
    }
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#wake();
  }
}

/** `WebSocket.OPEN`, for platforms whose class is passed in. */
const OPEN = 1;
