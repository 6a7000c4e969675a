/**
 * An SFTP server on a byte stream: version 3, as every client speaks it.
 *
 * @module
 */
import { join } from "@std/path";

import { FieldReader, FieldWriter } from "../wire_fields.ts";
import { listingLine, readAttributes, writeAttributes } from "./attributes.ts";
import { type DirectoryHandle, FileHandles, MAX_HANDLES } from "./file_handles.ts";
import {
  changeAttributes,
  openFile,
  readAt,
  realPath,
  removeDirectory,
  removeFile,
  renameToNew,
  resolveFrom,
  writeAt,
} from "./file_operations.ts";
import { MAX_PACKET_BYTES, packetsOf } from "./packet_stream.ts";
import {
  beginReply,
  REPLY,
  REQUEST,
  sealReply,
  SftpStatus,
  STATUS,
  statusOf,
  statusReply,
  VERSION,
} from "./protocol.ts";

/** What {@linkcode serveSftp} works with. */
export interface SftpOptions {
  /** Absolute directory that relative paths are relative to. */
  readonly directory: string;
  /** What `~` stands for. */
  readonly home: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Sends an answer; `false` when nobody is there any more. */
  readonly send: (packet: Uint8Array<ArrayBuffer>) => Promise<boolean>;
}

/** Most bytes of one read: what is left of a packet. */
const MAX_READ_BYTES = MAX_PACKET_BYTES - 1024;
/** Entries of a directory in one answer. */
const NAMES_PER_REPLY = 100;

/** What we have beyond the version, and in which version of its own. */
const EXTENSIONS: readonly (readonly [string, string])[] = [
  ["posix-rename@openssh.com", "1"],
  ["hardlink@openssh.com", "1"],
  ["fsync@openssh.com", "1"],
  ["limits@openssh.com", "1"],
  ["expand-path@openssh.com", "1"],
];

/** Answers one request with a packet; nothing stands for success. */
type Handler = (request: FieldReader, id: number) => Promise<FieldWriter | void>;

/**
 * Serves until the client's end of input. Requests are done one after the other, in order.
 *
 * @throws {SyntaxError} When the client breaks the protocol.
 */
export async function serveSftp(input: ReadableStream<Uint8Array<ArrayBuffer>>, options: SftpOptions): Promise<void> {
  await using handles = new FileHandles();
  const handlers = handlersOf(handles, options);
  let isInitialized = false;
  for await (const packet of packetsOf(input)) {
    const request = new FieldReader(packet);
    const type = request.uint8();
    if (type === REQUEST.init) {
      isInitialized = true;
      if (!await options.send(versionReply())) return;
      continue;
    }
    if (!isInitialized) throw new SyntaxError(`Cannot take request ${type}: the session was not initialized`);
    const id = request.uint32();
    if (!await options.send(await answer(handlers.get(type), request, id))) return;
  }
}

async function answer(
  handler: Handler | undefined,
  request: FieldReader,
  id: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (handler === undefined) {
      throw new SftpStatus(STATUS.unsupported, "Cannot do this: the operation is not supported");
    }
    const reply = await handler(request, id);
    return reply === undefined ? statusReply(id, STATUS.ok, "Success") : sealReply(reply);
  } catch (error) {
    const { status, message } = statusOf(error);
    return statusReply(id, status, message);
  }
}

function versionReply(): Uint8Array<ArrayBuffer> {
  const reply = new FieldWriter().uint32(0).uint8(REPLY.version).uint32(VERSION);
  for (const [name, version] of EXTENSIONS) reply.text(name).text(version);
  return sealReply(reply);
}

function handlersOf(handles: FileHandles, options: SftpOptions): ReadonlyMap<number, Handler> {
  const pathOf = (request: FieldReader) => resolveFrom(options.directory, request.text());
  const attributes = (id: number, info: Deno.FileInfo) => {
    const reply = beginReply(REPLY.attrs, id);
    writeAttributes(reply, info);
    return reply;
  };
  /** A single name, for which attributes are not asked. */
  const nameReply = (id: number, name: string) => beginReply(REPLY.name, id).uint32(1).text(name).text(name).uint32(0);
  const extensions = extensionsOf(handles, options);

  return new Map<number, Handler>([
    [REQUEST.open, async (request, id) => {
      const path = pathOf(request);
      const flags = request.uint32();
      const { mode } = readAttributes(request);
      handles.assertRoom();
      return beginReply(REPLY.handle, id).text(handles.add(await openFile(path, flags, mode)));
    }],
    [REQUEST.close, (request) => handles.close(request.text())],
    [REQUEST.read, async (request, id) => {
      const handle = handles.file(request.text());
      const offset = request.uint64();
      const buffer = new Uint8Array(Math.min(request.uint32(), MAX_READ_BYTES));
      const count = await readAt(handle, offset, buffer);
      if (count === null) throw new SftpStatus(STATUS.endOfFile, "End of file");
      return beginReply(REPLY.data, id, count + 16).bytes(buffer.subarray(0, count));
    }],
    [REQUEST.write, (request) => {
      const handle = handles.file(request.text());
      return writeAt(handle, request.uint64(), request.bytes());
    }],
    [REQUEST.lstat, async (request, id) => attributes(id, await Deno.lstat(pathOf(request)))],
    [REQUEST.stat, async (request, id) => attributes(id, await Deno.stat(pathOf(request)))],
    [REQUEST.fstat, async (request, id) => attributes(id, await handles.file(request.text()).file.stat())],
    [REQUEST.setstat, (request) => changeAttributes(pathOf(request), readAttributes(request))],
    [REQUEST.fsetstat, (request) => changeAttributes(handles.file(request.text()).path, readAttributes(request))],
    [REQUEST.opendir, async (request, id) => {
      const path = pathOf(request);
      handles.assertRoom();
      // The runtime looks at the directory with the first entry only.
      if (!(await Deno.stat(path)).isDirectory) {
        throw new SftpStatus(STATUS.failure, `Cannot list "${path}": it is no directory`);
      }
      const entries = Deno.readDir(path)[Symbol.asyncIterator]();
      const handle = handles.add({ kind: "directory", path, entries, first: [".", ".."] });
      return beginReply(REPLY.handle, id).text(handle);
    }],
    [REQUEST.readdir, (request, id) => listNames(handles.directory(request.text()), id, options.now())],
    [REQUEST.remove, (request) => removeFile(pathOf(request))],
    [REQUEST.mkdir, (request) => {
      const path = pathOf(request);
      const { mode } = readAttributes(request);
      return Deno.mkdir(path, mode === undefined ? {} : { mode });
    }],
    [REQUEST.rmdir, (request) => removeDirectory(pathOf(request))],
    [REQUEST.realpath, async (request, id) => nameReply(id, await realPath(options.directory, request.text()))],
    [REQUEST.rename, (request) => renameToNew(pathOf(request), pathOf(request))],
    [REQUEST.readlink, async (request, id) => nameReply(id, await Deno.readLink(pathOf(request)))],
    // OpenSSH sends target and link in this order, against the draft, and every client has followed it.
    [REQUEST.symlink, (request) => Deno.symlink(request.text(), pathOf(request))],
    [REQUEST.extended, (request, id) => {
      const name = request.text();
      const handler = extensions.get(name);
      if (handler === undefined) throw new SftpStatus(STATUS.unsupported, `Cannot do "${name}": it is not supported`);
      return handler(request, id);
    }],
  ]);
}

function extensionsOf(handles: FileHandles, options: SftpOptions): ReadonlyMap<string, Handler> {
  const pathOf = (request: FieldReader) => resolveFrom(options.directory, request.text());
  return new Map<string, Handler>([
    ["posix-rename@openssh.com", (request) => Deno.rename(pathOf(request), pathOf(request))],
    ["hardlink@openssh.com", (request) => Deno.link(pathOf(request), pathOf(request))],
    ["fsync@openssh.com", (request) => handles.file(request.text()).file.sync()],
    ["limits@openssh.com", (_request, id) => {
      const reply = beginReply(REPLY.extended, id).uint64(MAX_PACKET_BYTES).uint64(MAX_READ_BYTES);
      return Promise.resolve(reply.uint64(MAX_READ_BYTES).uint64(MAX_HANDLES));
    }],
    ["expand-path@openssh.com", async (request, id) => {
      const path = request.text();
      const expanded = path === "~" || path.startsWith("~/") ? join(options.home, path.slice(1)) : path;
      const name = await realPath(options.directory, expanded);
      return beginReply(REPLY.name, id).uint32(1).text(name).text(name).uint32(0);
    }],
  ]);
}

async function listNames(handle: DirectoryHandle, id: number, now: number): Promise<FieldWriter> {
  const names = handle.first.splice(0);
  while (names.length < NAMES_PER_REPLY) {
    const { done, value } = await handle.entries.next();
    if (done) break;
    names.push(value.name);
  }
  if (names.length === 0) throw new SftpStatus(STATUS.endOfFile, "End of directory");
  const infos = await Promise.all(names.map((name) => Deno.lstat(join(handle.path, name)).catch(() => undefined)));
  const reply = beginReply(REPLY.name, id, 8192);
  const at = reply.length;
  reply.uint32(0);
  let count = 0;
  for (const [index, name] of names.entries()) {
    const info = infos[index];
    // It went away since its name was read.
    if (info === undefined) continue;
    count++;
    reply.text(name).text(listingLine(name, info, now));
    writeAttributes(reply, info);
  }
  return reply.patchUint32(at, count);
}
