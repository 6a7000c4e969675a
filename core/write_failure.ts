/**
 * What to tell people when a file cannot be written.
 *
 * @module
 */
import { messageOf } from "./errors.ts";

/** What the system calls a file system without room: for bytes, for files, or for this user. */
const FULL: readonly string[] = ["ENOSPC", "EDQUOT"];
/** Deno adds the call and the path it was given, which is often that of a draft with a name nobody knows. */
const CALL = /: \w+ '.*$/;
/** What programs say of the same. */
const SAID = /\bENOSPC\b|\bEDQUOT\b|No space left on device|Disk quota exceeded/i;
const HINT = 'make room there, "df" and "df -i" say what is used up';

/** Names `path` and what to do when its file system is full; every other failure says by itself what it is about. */
export function writeFailure(path: string, error: unknown): unknown {
  if (!FULL.includes((error as { readonly code?: string } | null)?.code ?? "")) return error;
  const reason = messageOf(error).replace(CALL, "");
  return new Error(`Cannot write "${path}": ${reason}; ${HINT}`, { cause: error });
}

/** What to do when `output`, of a program, says that a file system is full. */
export function roomHint(output: string): string | undefined {
  return SAID.test(output) ? HINT : undefined;
}

/** What a program said, with what to do when it had no room: it has named the place. */
export function withRoomHint(output: string): string {
  return [output, roomHint(output) ?? []].flat().join("\n");
}
