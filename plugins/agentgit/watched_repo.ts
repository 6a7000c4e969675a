/**
 * One repository as one connection sees it: what was said about it, and what may have changed since.
 *
 * @module
 */
import { join } from "@std/path";

import { textOf } from "./byte_path.ts";
import type { RepoEvents } from "./repo_events.ts";
import type { RepoScanner, ScanOutcome, ScanProgress } from "./scanner.ts";
import { type RepoChange, repoChangeOf } from "./watch_message.ts";

/** What a look at a repository brought. */
export type LookResult =
  /** Nothing pointed to a change. */
  | { readonly kind: "skipped" }
  | { readonly kind: "same" }
  | { readonly kind: "changed"; readonly change: RepoChange }
  | { readonly kind: "gone"; readonly change: RepoChange }
  | { readonly kind: "failed"; readonly reason: string };

/** What a {@linkcode WatchedRepo} is made of. */
export interface WatchedRepoParts {
  readonly scanner: RepoScanner;
  /** Absent when file-system events are switched off. */
  readonly events?: RepoEvents;
  readonly maxDiffBytes: number;
}

/** A repository of one connection. */
export class WatchedRepo implements AsyncDisposable {
  readonly #parts: WatchedRepoParts;
  #told: string | undefined;
  #mustScanAll = true;
  #touched = new Set<string>();

  constructor(parts: WatchedRepoParts) {
    this.#parts = parts;
  }

  /** Top of the working tree. */
  get root(): string {
    return this.#parts.scanner.repo.root;
  }

  /** The next look scans everything. */
  markAll(): void {
    this.#mustScanAll = true;
  }

  /** The next look scans at least these absolute paths. Paths elsewhere are not this repository's business. */
  markTouched(paths: readonly string[]): void {
    const inside = paths.filter((path) => path.startsWith(`${this.root}/`));
    // A path that leads here in another way, through a symbolic link, cannot be told apart from any other change.
    if (inside.length === 0) this.#mustScanAll = true;
    for (const path of inside) this.#touched.add(path);
  }

  /** For a look that nothing but the time asked for: whether there is anything to look for. */
  markPoll(): void {
    const { events, scanner } = this.#parts;
    if (!events?.coversTree || !scanner.isComplete) this.#mustScanAll = true;
  }

  /**
   * Looks at the repository if something points to a change.
   *
   * @throws {GitMissingError} When git is not there.
   * @throws The signal's reason when aborted.
   */
  async look(signal: AbortSignal, progress: ScanProgress): Promise<LookResult> {
    const { scanner, events, maxDiffBytes } = this.#parts;
    const known = new Set([...this.#touched, ...scanner.entries.map((entry) => join(this.root, textOf(entry.path)))]);
    const news = await events?.take(known, signal);
    if (news?.isGeneral) this.#mustScanAll = true;
    for (const path of news?.paths ?? []) this.#touched.add(path);
    if (!this.#mustScanAll && this.#touched.size === 0) return { kind: "skipped" };
    const touched = this.#mustScanAll ? undefined : this.#touched;
    this.#mustScanAll = false;
    this.#touched = new Set();

    let outcome: ScanOutcome;
    try {
      await events?.cover(scanner.branch, scanner.entries, signal);
      outcome = await scanner.scan({ signal, progress, touched });
    } catch (error) {
      this.#mustScanAll = true;
      throw error;
    }
    if (outcome.kind === "failed") this.#mustScanAll = true;
    if (outcome.kind === "failed") return outcome;
    if (outcome.kind === "gone") return { kind: "gone", change: { repo_root: this.root, branch: "", removed: true } };
    const change = repoChangeOf(outcome.snapshot, maxDiffBytes);
    const told = JSON.stringify(change);
    if (told === this.#told) return { kind: "same" };
    this.#told = told;
    return { kind: "changed", change };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.events?.[Symbol.asyncDispose]();
  }
}
