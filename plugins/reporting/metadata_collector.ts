/**
 * Which metadata is due, what is being collected, and what waits to be sent.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";
import type { ManifestMetadata } from "../controlplane/service.ts";
import type { MetadataCommand, MetadataResult } from "./metadata_command.ts";

/** What {@linkcode MetadataCollector} works with. */
export interface MetadataCollectorOptions {
  readonly clock: Clock;
  /** Time between two looks, in milliseconds; decides the timeout of items that have none. */
  readonly tickMs: number;
  /** Most items collected at once. */
  readonly maxRunning: number;
  /** Collects one item. Must not reject. */
  readonly collect: (command: MetadataCommand, signal: AbortSignal) => Promise<MetadataResult>;
}

/** A result, and whose it is. */
export interface CollectedMetadata extends MetadataResult {
  readonly key: string;
}

/** Ticks an item without interval and timeout may take, and what it gets when that is less than a second. */
const TICKS_WITHOUT_LIMIT = 3;
const SECONDS_WITHOUT_LIMIT = 5;

interface Item {
  readonly description: ManifestMetadata;
  /** When the last collection began, by what has passed and not by the date. */
  lastMs: number | undefined;
  isRunning: boolean;
}

/** The items of one connection. */
export class MetadataCollector {
  readonly #options: MetadataCollectorOptions;
  #items = new Map<string, Item>();
  readonly #running = new Set<Promise<void>>();
  readonly #pending = new Map<string, CollectedMetadata>();

  constructor(options: MetadataCollectorOptions) {
    this.#options = options;
  }

  /** Replaces what is to be collected. Items that did not change keep their times; those that are gone are forgotten. */
  update(descriptions: readonly ManifestMetadata[]): void {
    const next = new Map<string, Item>();
    for (const description of descriptions) {
      const known = this.#items.get(description.key);
      const isSame = known !== undefined && JSON.stringify(known.description) === JSON.stringify(description);
      next.set(description.key, isSame ? known : { description, lastMs: undefined, isRunning: false });
    }
    this.#items = next;
    for (const key of this.#pending.keys()) if (!next.has(key)) this.#pending.delete(key);
  }

  /** Begins to collect whatever is due, the longest waiting first, each key once at a time. */
  collectDue(signal: AbortSignal): void {
    const now = elapsedOn(this.#options.clock);
    const due = [...this.#items.values()].filter((item) => isDue(item, now));
    due.sort((a, b) => (a.lastMs ?? -Infinity) - (b.lastMs ?? -Infinity) || 0);
    for (const item of due.slice(0, Math.max(0, this.#options.maxRunning - this.#running.size))) {
      const running = this.#collect(item, signal).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  /** Takes out what waits to be sent: the newest result of each key. */
  take(): readonly CollectedMetadata[] {
    const results = [...this.#pending.values()];
    this.#pending.clear();
    return results;
  }

  /** Resolves when nothing is being collected. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #collect(item: Item, signal: AbortSignal): Promise<void> {
    const { key, script } = item.description;
    item.isRunning = true;
    item.lastMs = elapsedOn(this.#options.clock);
    const timeoutMs = timeoutSeconds(item.description, this.#options.tickMs) * 1000;
    const result = await this.#options.collect({ script, timeoutMs }, signal);
    item.isRunning = false;
    // Another item may have come under this key meanwhile; then this result is nobody's.
    if (!signal.aborted && this.#items.get(key) === item) this.#pending.set(key, { key, ...result });
  }
}

/** An interval of 0 means once. */
function isDue({ description: { intervalSeconds }, lastMs, isRunning }: Item, now: number): boolean {
  if (isRunning) return false;
  return lastMs === undefined || (intervalSeconds > 0 && now - lastMs >= intervalSeconds * 1000);
}

function timeoutSeconds(item: Pick<ManifestMetadata, "intervalSeconds" | "timeoutSeconds">, tickMs: number): number {
  return item.timeoutSeconds || item.intervalSeconds || TICKS_WITHOUT_LIMIT * Math.floor(tickMs / 1000) ||
    SECONDS_WITHOUT_LIMIT;
}
