/**
 * Tells every watcher of file changes what was changed.
 *
 * @module
 */
import { EventFeed } from "../../core/event_feed.ts";
import type { FileChange, FileChangeEvent, FileChanges } from "./service.ts";

/** The feed of one agent. */
export class FileChangeFeed implements FileChanges, Disposable {
  readonly #feed = new EventFeed<FileChangeEvent>((count) => ({ type: "missed", count }));

  /** Tells all watchers. Returns at once. */
  publish(change: FileChange): void {
    this.#feed.publish({ type: "change", change });
  }

  /** Subscribes now, not at the first read. */
  watch(signal: AbortSignal): AsyncIterable<FileChangeEvent> {
    return this.#feed.watch(signal);
  }

  /** Ends every watch after what is queued. */
  [Symbol.dispose](): void {
    this.#feed[Symbol.dispose]();
  }
}
