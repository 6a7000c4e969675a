/**
 * Events of directories, from the platform or from a test.
 *
 * @module
 */

/** Something happened in a watched directory. */
export interface DirectoryEvent {
  readonly paths: readonly string[];
  /** Events were lost: anything may have changed. */
  readonly isOverflow: boolean;
}
/** Events of some directories, not of those below them. Ends when it is disposed of. */
export interface DirectoryWatcher extends AsyncIterable<DirectoryEvent>, Disposable {}
/**
 * Starts to watch; what happens after the call is reported.
 *
 * @throws When the platform has no more watches to give, or a directory is missing.
 */
export type WatchDirectories = (directories: readonly string[]) => DirectoryWatcher;

/** Watches with the platform's own means (inotify, FSEvents, ReadDirectoryChanges). Reading a file is not an event. */
export function watchDirectories(directories: readonly string[]): DirectoryWatcher {
  const watcher = Deno.watchFs([...directories], { recursive: false });
  return {
    async *[Symbol.asyncIterator]() {
      for await (const { kind, paths, flag } of watcher) {
        if (kind !== "access") yield { paths, isOverflow: flag === "rescan" };
      }
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}
