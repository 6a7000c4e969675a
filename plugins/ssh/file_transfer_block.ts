/**
 * The switch that refuses moving files. A speed bump: who has a shell has other ways.
 *
 * @module
 */
import { basename } from "@std/path";

import { shellWords } from "./shell_words.ts";
import type { SessionStart } from "./transport/ssh_session.ts";

const BLOCKED_PROGRAMS: ReadonlySet<string> = new Set(["nc", "rsync", "scp", "sftp"]);
/** Exit status of a blocked session. */
export const BLOCKED_STATUS = 65;
/** What scp(1) shows as an error of the other side: a byte 2 in front, a line end behind. */
export const BLOCKED_MESSAGE = "\x02File transfer has been disabled.\n";

/** Whether a session is for moving files. */
export function isFileTransfer({ kind, text }: Pick<SessionStart, "kind" | "text">): boolean {
  if (kind === "subsystem") return text === "sftp";
  const [program] = shellWords(text);
  return program !== undefined && BLOCKED_PROGRAMS.has(basename(program));
}
