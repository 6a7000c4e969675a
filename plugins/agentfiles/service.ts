/**
 * What other plugins may use of agentfiles. Interfaces and tokens only.
 *
 * @module
 */
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** One file that was written or edited through the agent. */
export interface FileChange {
  /** `write`: new contents as a whole; `edit`: search and replace. */
  readonly kind: "write" | "edit";
  /** Absolute path as the request named it. */
  readonly requestPath: string;
  /** The file that changed: `requestPath` with symbolic links followed. */
  readonly path: string;
  /** Whether the file is new. */
  readonly created: boolean;
  /** Bytes of the file after the change. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The chat the change was made for, its ancestors behind it; empty when there is none. */
  readonly chatIds: readonly string[];
  /** The model's tool call that asked for it. */
  readonly toolCallId?: string;
}

/** What a watcher receives. */
export type FileChangeEvent =
  | { readonly type: "change"; readonly change: FileChange }
  /** The watcher was too slow and lost this many changes at this point. */
  | { readonly type: "missed"; readonly count: number };

/** Every change made through the agent, for those who keep a record of them. */
export interface FileChanges {
  /**
   * Yields every change from this call on, in the order they took effect, until `signal` aborts or the plugin stops. There is
   * no current value: changes before the call are not repeated. A watcher that lags more than 1,024 changes behind is told
   * how many it missed; it never slows a writer down.
   */
  watch(signal: AbortSignal): AsyncIterable<FileChangeEvent>;
}
/** Token for {@linkcode FileChanges}. */
export const FileChanges: ServiceToken<FileChanges> = defineService("agentfiles/file-changes");

/** Numbered lines of a file, as the route answers. */
export interface LinesAnswer {
  readonly success: boolean;
  /** Why it failed; then nothing else is there. */
  readonly error?: string;
  /** In bytes; absent for an empty file. */
  readonly file_size?: number;
  readonly total_lines?: number;
  readonly lines_read?: number;
  /** Line number, tab, line; joined by line feeds. */
  readonly content?: string;
}

/** A directory's contents, as the wire has them. */
export interface DirectoryListing {
  readonly absolute_path: readonly string[];
  readonly absolute_path_string: string;
  readonly contents: readonly ListedEntry[];
}

/** One entry of a listing. */
export interface ListedEntry {
  readonly name: string;
  readonly absolute_path_string: string;
  /** `false` for a symbolic link to a directory. */
  readonly is_dir: boolean;
}

/** Bytes of a file. */
export interface FileBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By the file's name. */
  readonly mediaType: string;
  /** Whether the file goes on after these bytes. */
  readonly more: boolean;
}

/** Edits of one file, applied in order. */
export interface FileEditing {
  readonly path: string;
  readonly edits: readonly { readonly search: string; readonly replace: string; readonly replaceAll?: boolean }[];
}

/**
 * Reads and changes files, as the plugin's routes do, with the same limits, metrics and notices.
 *
 * Paths are absolute. A chat is told of what changes in its name. Every refusal is an `HttpProblem` with the status and the
 * message that the route would answer with. The file system stays usable when the plugin has stopped.
 */
export interface FileAccess {
  /** Never rejects for what is wrong with the file: `success` says so. `offset` counts lines from 1. */
  readLines(
    request: { readonly path: string; readonly offset?: number; readonly limit?: number },
  ): Promise<LinesAnswer>;
  /** At most `limit` bytes from `offset`, held in memory. */
  read(request: { readonly path: string; readonly offset?: number; readonly limit: number }): Promise<FileBytes>;
  /** Replaces the file at once; missing directories are made. Text is written as UTF-8. */
  write(request: { readonly path: string; readonly content: string }, chat?: ChatIdentity): Promise<void>;
  /** All or none. Returns one unified diff per file, in the order of the request. */
  edit(
    files: readonly FileEditing[],
    chat?: ChatIdentity,
  ): Promise<readonly { readonly path: string; readonly diff: string }[]>;
  /** Directories first, then by name. */
  list(path: string): Promise<DirectoryListing>;
}
/** Token for {@linkcode FileAccess}. */
export const FileAccess: ServiceToken<FileAccess> = defineService("agentfiles/access");
