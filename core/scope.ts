/**
 * What one plugin holds. Everything a plugin takes is put here in the moment it is taken, and released newest first, also when
 * setup stopped half way.
 *
 * @module
 */
import { PluginError, type PluginPhase, ScopeClosedError } from "./errors.ts";
import { type Owner, runAs } from "./owner.ts";
import type { Releasable } from "./plugin.ts";

/** The resources of one plugin in one of its lives. */
export class Scope {
  readonly #stack = new AsyncDisposableStack();
  readonly #abort = new AbortController();
  #closed = false;
  #released: Promise<void> | undefined;
  #releasing: Error | undefined;
  /** Releases of resources that came after the end. */
  readonly #late = new Set<Promise<void>>();

  /** @param charge Hears errors of the plugin that reach nobody else. */
  constructor(readonly plugin: string, readonly charge: (error: unknown, phase: PluginPhase) => void) {}

  /** Aborted when the plugin starts to stop; `reason` says why. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  /** A closed scope refuses every registration; its resources may still be in use until {@linkcode release}. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The resource that is being released now, by an error with the stack that took it. */
  get releasing(): Error | undefined {
    return this.#releasing;
  }

  /** @throws {ScopeClosedError} If the scope is closed. */
  assertOpen(wanted: string): void {
    if (this.#closed) throw new ScopeClosedError(this.plugin, wanted);
  }

  /** Releases `resource` with the scope. A resource that comes too late is released at once, and refused. */
  defer<R extends Releasable>(resource: R): R {
    if (this.#closed) {
      this.#releaseLate(resource);
      throw new ScopeClosedError(this.plugin, "keep a resource");
    }
    const origin = new Error("a resource");
    const release = releaser(resource);
    this.#stack.defer(async () => {
      this.#releasing = origin;
      try {
        await release();
      } finally {
        this.#releasing = undefined;
      }
    });
    return resource;
  }

  /** Runs plugin code as its owner. What it throws leaves as it is. */
  enter<T>(phase: PluginPhase, fn: () => T): T {
    const owner: Owner = { plugin: this.plugin, phase, charge: this.charge };
    return runAs(owner, fn);
  }

  /** Refuses registrations from now on and aborts {@linkcode signal}. */
  close(reason: unknown): void {
    this.#closed = true;
    this.#abort.abort(reason);
  }

  /**
   * Closes, then releases everything, newest first. Goes on after an error. Every call returns the same promise.
   *
   * @throws {PluginError} With every error, joined by `SuppressedError`, as the cause.
   */
  release(reason: unknown): Promise<void> {
    this.close(reason);
    this.#released ??= this.#releaseAll();
    return this.#released;
  }

  async #releaseAll(): Promise<void> {
    try {
      await this.enter("stop", () => this.#stack.disposeAsync());
    } catch (error) {
      throw new PluginError(this.plugin, "stop", error);
    } finally {
      await Promise.all(this.#late);
    }
  }

  #releaseLate(resource: Releasable): void {
    const released = this.enter("stop", async () => await releaser(resource)())
      .catch((error) => this.charge(error, "stop"))
      .finally(() => this.#late.delete(released));
    this.#late.add(released);
  }
}

function releaser(resource: Releasable): () => PromiseLike<void> {
  return async () => {
    if (typeof resource === "function") await resource();
    else if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
    else resource[Symbol.dispose]();
  };
}
