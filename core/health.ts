/**
 * What a plugin says about itself: fine, or limited and why.
 *
 * @module
 */
import type { Health } from "./plugin.ts";

/** Reasons of one plugin. Its own statement and the core's (failed tasks) are kept apart, so that neither hides the other. */
export class PluginHealth implements Health {
  readonly #reasons = new Map<string, string>();
  readonly #changed: (reason: string | undefined) => void;

  /** @param changed Called with all reasons joined, or `undefined` when the plugin is fine again. */
  constructor(changed: (reason: string | undefined) => void) {
    this.#changed = changed;
  }

  ok(): void {
    this.clear("plugin");
  }
  degraded(reason: string): void {
    this.set("plugin", reason);
  }

  /** Why the plugin is limited; `undefined` when it is not. */
  get reason(): string | undefined {
    return this.#reasons.size === 0 ? undefined : [...this.#reasons.values()].join("; ");
  }

  /** States a reason under `key`; a later one replaces it. */
  set(key: string, reason: string): void {
    if (this.#reasons.get(key) === reason) return;
    this.#reasons.set(key, reason);
    this.#changed(this.reason);
  }
  /** Takes the reason under `key` back. */
  clear(key: string): void {
    if (this.#reasons.delete(key)) this.#changed(this.reason);
  }
}
