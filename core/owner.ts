/**
 * Who runs. Every entry into plugin code happens inside an owner context, so that an error that escapes later, such as a
 * rejection nobody awaited, can be charged to its plugin.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

import type { PluginPhase } from "./errors.ts";

/** Plugin code that is running, and who hears about its failures. */
export interface Owner {
  readonly plugin: string;
  readonly phase: PluginPhase;
  /** Called for an error that reached nobody else. Must not throw. */
  readonly charge: (error: unknown, phase: PluginPhase) => void;
}

/** Immutable per asynchronous context: agents of one process do not meet here. */
const owners = new AsyncLocalStorage<Owner>();

/** Runs `fn` as `owner`; the context follows every promise and timer started inside. */
export function runAs<T>(owner: Owner, fn: () => T): T {
  return owners.run(owner, fn);
}

/** The plugin whose code is running, if any. */
export function currentOwner(): Owner | undefined {
  return owners.getStore();
}

/**
 * Charges rejections that nobody handles to the plugin that started them; one without an owner goes to `orphaned`.
 *
 * @returns Removes the listener.
 */
export function watchUnhandled(isOurs: (owner: Owner) => boolean, orphaned: (error: unknown) => void): Disposable {
  function onRejection(event: PromiseRejectionEvent): void {
    const owner = currentOwner();
    if (owner !== undefined && !isOurs(owner)) return;
    event.preventDefault();
    if (owner === undefined) orphaned(event.reason);
    else owner.charge(event.reason, "unhandled");
  }
  globalThis.addEventListener("unhandledrejection", onRejection);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection) };
}
