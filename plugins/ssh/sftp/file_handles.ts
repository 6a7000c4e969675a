/**
 * Open files and directories of one SFTP session.
 *
 * @module
 */
import { SftpStatus, STATUS } from "./protocol.ts";

/** An open file. */
export interface FileHandle {
  readonly kind: "file";
  readonly path: string;
  readonly file: Deno.FsFile;
  /** Where the next read or write begins unless the file is positioned anew. */
  position: number;
}
/** An open directory. */
export interface DirectoryHandle {
  readonly kind: "directory";
  readonly path: string;
  readonly entries: AsyncIterator<Deno.DirEntry>;
  /** Entries that every directory has and the system does not list. */
  readonly first: string[];
}

/** Most handles of one session; each holds a descriptor of the agent. */
export const MAX_HANDLES = 512;

/** Gives handles their names. */
export class FileHandles implements AsyncDisposable {
  readonly #handles = new Map<string, FileHandle | DirectoryHandle>();
  #next = 0;

  /** @throws {SftpStatus} When there are too many; check before opening anything. */
  assertRoom(): void {
    if (this.#handles.size >= MAX_HANDLES) {
      throw new SftpStatus(STATUS.failure, `Cannot open more: ${this.#handles.size} handles are open`);
    }
  }

  /** Keeps a handle and returns its name. */
  add(handle: FileHandle | DirectoryHandle): string {
    const name = String(this.#next++);
    this.#handles.set(name, handle);
    return name;
  }

  /** @throws {SftpStatus} When there is no such file. */
  file(name: string): FileHandle {
    const handle = this.#handles.get(name);
    if (handle?.kind !== "file") throw new SftpStatus(STATUS.failure, "Cannot use the handle: it is of no open file");
    return handle;
  }

  /** @throws {SftpStatus} When there is no such directory. */
  directory(name: string): DirectoryHandle {
    const handle = this.#handles.get(name);
    if (handle?.kind !== "directory") {
      throw new SftpStatus(STATUS.failure, "Cannot use the handle: it is of no open directory");
    }
    return handle;
  }

  /** @throws {SftpStatus} When there is no such handle. */
  async close(name: string): Promise<void> {
    const handle = this.#handles.get(name);
    if (handle === undefined) throw new SftpStatus(STATUS.failure, "Cannot close the handle: it is not open");
    this.#handles.delete(name);
    if (handle.kind === "file") handle.file.close();
    else await handle.entries.return?.();
  }

  /** Closes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#handles.keys()]) await this.close(name);
  }
}
