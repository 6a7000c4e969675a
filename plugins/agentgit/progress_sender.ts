/**
 * Sends a large diff piece by piece while git writes it.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";
import type { ScanProgress } from "./scanner.ts";
import type { ProgressMessage } from "./watch_message.ts";

/** What a {@linkcode ProgressSender} needs. */
export interface ProgressOptions {
  readonly repoRoot: string;
  readonly clock: Clock;
  /** Diffs up to this size are not sent piece by piece, in bytes. */
  readonly fromBytes: number;
  /** Nothing more is sent after this many bytes. */
  readonly maxBytes: number;
  /** Resolves when the client has room for more. */
  readonly send: (message: ProgressMessage) => Promise<void>;
}

/** A part is sent when it has this many characters: smaller ones cost more in frames than they gain in time. */
const PART_LENGTH = 16 * 1024;
/** A part is sent after this long even when it is small. */
const PART_MS = 100;

/** One scan's progress. Silent until the diff is known to be large. */
export class ProgressSender implements ScanProgress {
  readonly #options: ProgressOptions;
  readonly #decoder = new TextDecoder();
  #facts: { branch: string; origin: string; totalFiles: number } = { branch: "", origin: "", totalFiles: 0 };
  #pending = "";
  #seenBytes = 0;
  #files = 0;
  #sentAt = 0;
  #hasStarted = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  start(facts: { readonly branch: string; readonly origin: string; readonly totalFiles: number }): void {
    this.#facts = facts;
  }

  async piece(bytes: Uint8Array): Promise<void> {
    const { fromBytes, maxBytes, clock } = this.#options;
    if (this.#seenBytes >= maxBytes) return;
    this.#seenBytes += bytes.length;
    this.#pending += this.#decoder.decode(bytes, { stream: true });
    if (this.#seenBytes <= fromBytes) return;
    const isDue = this.#pending.length >= PART_LENGTH || elapsedOn(clock) - this.#sentAt >= PART_MS;
    if (isDue) await this.#flush();
  }

  /** Sends what is left, if anything was sent before. */
  async finish(): Promise<void> {
    if (this.#hasStarted) await this.#flush(true);
  }

  async #flush(isLast = false): Promise<void> {
    const { branch, origin, totalFiles } = this.#facts;
    const chunk = this.#pending;
    this.#files += chunk.match(/^diff --git /gm)?.length ?? 0;
    this.#pending = "";
    const isFirst = !this.#hasStarted;
    this.#hasStarted = true;
    this.#sentAt = elapsedOn(this.#options.clock);
    await this.#options.send({
      type: "progress",
      repo_root: this.#options.repoRoot,
      branch,
      ...(origin !== "" && { remote_origin: origin }),
      ...(isFirst && { reset: true as const }),
      ...(chunk !== "" && { unified_diff_chunk: chunk }),
      processed_files: isLast ? totalFiles : Math.min(this.#files, totalFiles),
      total_files: totalFiles,
      ...(isLast && { complete: true as const }),
    });
  }
}
