/**
 * Reads what `git status --porcelain=v2 --branch -z` writes.
 *
 * @module
 */
import { type BytePath, bytePathFrom, textOf } from "./byte_path.ts";

/** How a file differs. */
export type ChangeKind = "tracked" | "unmerged" | "untracked";

/** One file that differs from the last commit or the index. */
export interface StatusEntry {
  readonly path: BytePath;
  readonly kind: ChangeKind;
  /** Two letters, index and working tree, as `git status --short` shows them; `.` means unchanged. */
  readonly code: string;
  /** Whether the entry is a submodule. */
  readonly isSubmodule: boolean;
}

/** State of a working tree. */
export interface Status {
  /** Short name; empty on a detached HEAD. Set for a branch without commits too. */
  readonly branch: string;
  /** Object name of the last commit; empty when there is none yet. */
  readonly commit: string;
  /** Sorted as git sorts: tracked files first, then untracked ones, each by byte order. */
  readonly entries: readonly StatusEntry[];
}

/** Fields before the path, by record type. Renames are switched off by the caller, so type `2` does not occur. */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { "1": 8, u: 10, "?": 1 };
const KINDS: Readonly<Record<string, ChangeKind>> = { "1": "tracked", u: "unmerged", "?": "untracked" };

/** @throws {SyntaxError} If a record has an unknown type. */
export function parseStatus(output: Uint8Array): Status {
  let branch = "";
  let commit = "";
  const entries: StatusEntry[] = [];
  for (const record of bytePathFrom(output).split("\0")) {
    if (record === "") continue;
    if (record.startsWith("# branch.oid ")) commit = headerValue(record, "(initial)");
    else if (record.startsWith("# branch.head ")) branch = textOf(headerValue(record, "(detached)"));
    else if (!record.startsWith("# ")) entries.push(parseEntry(record));
  }
  return { branch, commit, entries };
}

function headerValue(record: string, none: string): string {
  const value = record.slice(record.indexOf(" ", 2) + 1);
  return value === none ? "" : value;
}

function parseEntry(record: string): StatusEntry {
  const type = record[0] ?? "";
  const kind = KINDS[type];
  if (kind === undefined) throw new SyntaxError(`Cannot read git status: unknown record type "${type}"`);
  let at = 0;
  for (let field = FIELDS_BEFORE_PATH[type] ?? 0; field > 0; field--) at = record.indexOf(" ", at) + 1;
  const path = record.slice(at);
  if (kind === "untracked") return { path, kind, code: "??", isSubmodule: false };
  const [, code = "", submodule = ""] = record.split(" ", 3);
  return { path, kind, code, isSubmodule: submodule.startsWith("S") };
}
