/**
 * What is said on a watch connection.
 *
 * @module
 */
import type { RepoSnapshot } from "./scanner.ts";
import { joinDiffs } from "./unified_diff.ts";

/** Longest message clients read, in bytes. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024;
/** Room for what surrounds the repositories in a message. */
const ENVELOPE_BYTES = 1024;

/** One repository in a `changes` message: everything about it, not the difference to the message before. */
export interface RepoChange {
  readonly repo_root: string;
  /** Short name; empty on a detached HEAD. */
  readonly branch: string;
  readonly remote_origin?: string;
  /** Staged and unstaged changes against the last commit, and untracked files. */
  readonly unified_diff?: string;
  /** Hunks of some files were left out of `unified_diff`. */
  readonly truncated?: true;
  /** The repository is gone. */
  readonly removed?: true;
}

/** Part of a large diff, sent while the scan runs. The `changes` message with the snapshot follows. */
export interface ProgressMessage {
  readonly type: "progress";
  readonly repo_root: string;
  readonly branch: string;
  readonly remote_origin?: string;
  /** The first part of a scan: forget the parts of scans before. */
  readonly reset?: true;
  readonly unified_diff_chunk?: string;
  readonly processed_files: number;
  readonly total_files: number;
  /** The last part of a scan. */
  readonly complete?: true;
}

/** A repository as clients are told of it. The diff shrinks until the message has a length that clients read. */
export function repoChangeOf(snapshot: RepoSnapshot, maxDiffBytes: number): RepoChange {
  for (let limit = maxDiffBytes;; limit = Math.floor(limit / 2)) {
    const diff = joinDiffs(snapshot.files, limit);
    const change: RepoChange = {
      repo_root: snapshot.root,
      branch: snapshot.branch,
      ...(snapshot.origin !== "" && { remote_origin: snapshot.origin }),
      ...(diff.text !== "" && { unified_diff: diff.text }),
      ...(diff.isTruncated && { truncated: true as const }),
    };
    if (lengthOf(change) <= MAX_MESSAGE_BYTES - ENVELOPE_BYTES) return change;
    if (limit === 0) return { ...change, unified_diff: diff.text.split("\n", 1)[0] ?? "" };
  }
}

/** Packs repositories into as few messages as their length allows; one without repositories when there are none. */
export function changesMessages(scannedAt: Date, changes: readonly RepoChange[]): readonly string[] {
  const messages: RepoChange[][] = [[]];
  let length = ENVELOPE_BYTES;
  for (const change of changes) {
    const added = lengthOf(change) + 1;
    if (length + added > MAX_MESSAGE_BYTES && messages.at(-1)!.length > 0) {
      messages.push([]);
      length = ENVELOPE_BYTES;
    }
    messages.at(-1)!.push(change);
    length += added;
  }
  const scanned_at = scannedAt.toISOString();
  return messages.map((repositories) =>
    JSON.stringify({ type: "changes", scanned_at, ...(repositories.length > 0 && { repositories }) })
  );
}

/** Tells a client that it sent something that is not understood. */
export function unknownTypeMessage(type: unknown): string {
  return JSON.stringify({ type: "error", message: `unknown message type: ${String(type).slice(0, 100)}` });
}

const encoder = new TextEncoder();

function lengthOf(change: RepoChange): number {
  return encoder.encode(JSON.stringify(change)).length;
}
