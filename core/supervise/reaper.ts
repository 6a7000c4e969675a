/**
 * The parent of one agent at a time: takes away every child that ends, and passes signals on.
 *
 * @module
 */
import type { Logger } from "../plugin.ts";
import type { Libc } from "./libc.ts";
import { type End, endOf } from "./wait_status.ts";

/** Signals that ask the agent to end. */
export type StopSignal = typeof STOP_SIGNALS[number];

/** What {@linkcode Reaper} is made from. */
export interface ReaperOptions {
  readonly libc: Libc;
  readonly log: Logger;
  /** Whether a terminal's Ctrl-Z is passed on, too. Not for process 1, which cannot be stopped. */
  readonly jobControl?: boolean;
  /** Called for each signal that asks for the end, after it was passed on. */
  readonly onStopSignal?: (signal: StopSignal) => void;
}

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * From its making until it is disposed this process takes away all children that end, so nothing else in it may wait for one.
 * The handlers stand before the first child exists: no end and no signal is missed.
 */
export class Reaper implements Disposable {
  readonly #libc: Libc;
  readonly #log: Logger;
  readonly #handlers = new DisposableStack();
  /** The child that signals go to, and its end. */
  #child: { readonly pid: number; readonly ended: PromiseWithResolvers<End> } | undefined;
  #reaped = 0;

  constructor({ libc, log, jobControl, onStopSignal }: ReaperOptions) {
    this.#libc = libc;
    this.#log = log;
    this.#on("SIGCHLD", () => this.#reap());
    for (const signal of STOP_SIGNALS) {
      this.#on(signal, () => {
        this.#passOn(signal);
        onStopSignal?.(signal);
      });
    }
    if (jobControl) this.#passJobControlOn();
  }

  /** Children taken away so far, the main ones included. */
  get reaped(): number {
    return this.#reaped;
  }

  /** Starts a program and resolves when it has ended. One at a time. @throws {Error} If the system refuses. */
  run(path: string, argv: readonly string[]): Promise<End> {
    if (this.#child !== undefined) throw new TypeError("Cannot start a second child beside the first");
    const child = { pid: this.#libc.spawn(path, argv), ended: Promise.withResolvers<End>() };
    this.#child = child;
    this.#log.info("reaper catching signals", { signals: STOP_SIGNALS, child_pid: child.pid });
    return child.ended.promise;
  }

  /** Takes away who ended already and stops listening. */
  [Symbol.dispose](): void {
    this.#reap();
    this.#handlers.dispose();
  }

  #reap(): void {
    for (let each = this.#libc.reapOne(); each !== undefined; each = this.#libc.reapOne()) {
      this.#reaped++;
      if (each.pid !== this.#child?.pid) continue;
      const { ended } = this.#child;
      this.#child = undefined;
      ended.resolve(endOf(each.status));
    }
  }

  #passOn(signal: StopSignal): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return this.#log.info("reaper caught signal, no child process runs", { signal });
    this.#log.info("reaper caught signal, killing child process", { signal, child_pid: pid });
    this.#signal(signal);
  }

  /** The child's session has no terminal, so Ctrl-Z reaches this process alone, and `fg` wakes this one alone. */
  #passJobControlOn(): void {
    this.#on("SIGTSTP", () => {
      this.#signal("SIGSTOP");
      Deno.kill(Deno.pid, "SIGSTOP");
    });
    this.#on("SIGCONT", () => this.#signal("SIGCONT"));
  }

  /** To the child alone. Its number cannot be a stranger's: it is free only once it was taken away here. */
  #signal(signal: Deno.Signal): void {
    if (this.#child !== undefined) Deno.kill(this.#child.pid, signal);
  }

  #on(signal: Deno.Signal, handler: () => void): void {
    Deno.addSignalListener(signal, handler);
    this.#handlers.defer(() => Deno.removeSignalListener(signal, handler));
  }
}
