/**
 * Numbers of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02), and the shape of its packets.
 *
 * @module
 */
import { FieldWriter } from "../wire_fields.ts";

/** Version spoken. */
export const VERSION = 3;

/** Requests. */
export const REQUEST = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const;

/** Answers. */
export const REPLY = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const;

/** Codes of a status. */
export const STATUS = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** Flags of `open`. */
export const OPEN = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

/** An operation cannot be done. Becomes a status. */
export class SftpStatus extends Error {
  override readonly name = "SftpStatus";

  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Starts an answer; {@linkcode sealReply} ends it. */
export function beginReply(type: number, id: number, expectedBytes?: number): FieldWriter {
  return new FieldWriter(expectedBytes).uint32(0).uint8(type).uint32(id);
}

/** Puts the length in front. */
export function sealReply(reply: FieldWriter): Uint8Array<ArrayBuffer> {
  return reply.patchUint32(0, reply.length - 4).finish();
}

/** A whole status answer. */
export function statusReply(id: number, status: number, message: string): Uint8Array<ArrayBuffer> {
  return sealReply(beginReply(REPLY.status, id).uint32(status).text(message).text("en"));
}

/** The status that tells of an error of the file system. */
export function statusOf(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof SftpStatus) return { status: error.status, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SyntaxError) return { status: STATUS.badMessage, message };
  if (error instanceof Deno.errors.NotFound) return { status: STATUS.noSuchFile, message };
  if (error instanceof Deno.errors.PermissionDenied) return { status: STATUS.permissionDenied, message };
  return { status: STATUS.failure, message };
}
