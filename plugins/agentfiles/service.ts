/**
 * What other plugins may use of agentfiles. Interfaces and tokens only.
 *
 * @module
 */
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
