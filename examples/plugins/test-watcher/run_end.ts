/**
 * The end of a run: its own, or the one it is brought to.
 *
 * @module
 */
import type { Child, Clock, KilledTree } from "@outpost/agent";

/** Time for a command that took too long to write down what it has, in milliseconds. */
const GRACE_MS = 2000;

/** Asks a command that takes too long to end, then ends it. */
export class RunEnd {
  readonly #child: Child;
  readonly #watching: Promise<void>;
  readonly #over = new AbortController();
  #wasForced = false;

  /** @param options `signal` ends the command itself: see `SpawnOptions.signal`. */
  constructor(
    child: Child,
    options: { readonly clock: Clock; readonly runMs: number; readonly signal: AbortSignal },
  ) {
    this.#child = child;
    this.#watching = this.#watch(options).catch(() => {}); // It ended before.
  }

  /** Whether it had to be ended. */
  get wasForced(): boolean {
    return this.#wasForced;
  }

  /** Call it when the command has ended. Resolves when nothing of it is left: that would hold files and ports of the next run. */
  async reached(): Promise<KilledTree> {
    this.#over.abort();
    await this.#watching;
    return await this.#child.killTree();
  }

  async #watch({ clock, runMs, signal }: ConstructorParameters<typeof RunEnd>[1]): Promise<void> {
    const ended = AbortSignal.any([this.#over.signal, signal]);
    await clock.sleep(runMs, ended);
    this.#wasForced = true;
    // A terminal that goes away is a SIGHUP for whoever has it, in whatever group.
    if (this.#child.terminal === undefined) this.#child.kill("SIGTERM");
    else await this.#child.terminal.close();
    await clock.sleep(GRACE_MS, ended);
    await this.#child.killTree();
  }
}
