/**
 * A session that was started: what the client asked for, its channel, and what arrives while it runs.
 *
 * @module
 */
import type { PtySize } from "../../../core/plugin.ts";
import type { X11Request } from "../service.ts";
import type { SshChannel } from "./ssh_channel.ts";
import type { SshConnection } from "./ssh_connection.ts";
import type { TerminalModes } from "./terminal_modes.ts";

/** What a session runs. */
export type SessionKind = "shell" | "exec" | "subsystem";

/** The terminal a client asked for. */
export interface TerminalRequest {
  /** Value for `TERM`; may be empty. */
  readonly term: string;
  readonly size: PtySize;
  readonly modes: TerminalModes;
}

/** Everything that was said before the start. */
export interface SessionStart {
  readonly kind: SessionKind;
  /** The command of `exec`, the name of `subsystem`, empty for `shell`. */
  readonly text: string;
  /** In the order they were sent; the last one of a name counts. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly terminal?: TerminalRequest;
  readonly x11?: X11Request;
  /** Asked for by this or an earlier session of the connection. */
  readonly agentForwarding: boolean;
}

/** Signals kept until the command is there to get them. More are dropped: nobody means the 129th. */
const MAX_WAITING_SIGNALS = 128;

/** A running session. */
export class SshSession {
  readonly #waitingSignals: string[] = [];
  #size: PtySize | undefined;
  #onSignal: ((name: string) => void) | undefined;
  #onResize: ((size: PtySize) => void) | undefined;

  constructor(
    readonly connection: SshConnection,
    readonly channel: SshChannel,
    readonly start: SessionStart,
  ) {}

  /** Hands over the signals that came so far, and each that comes. `name` has no `SIG` in front. */
  onSignal(fn: (name: string) => void): void {
    this.#onSignal = fn;
    for (const name of this.#waitingSignals.splice(0)) fn(name);
  }

  /** Hands over the size when it has changed since the start, and each later one. */
  onResize(fn: (size: PtySize) => void): void {
    this.#onResize = fn;
    if (this.#size !== undefined) fn(this.#size);
  }

  /** For the connection: a signal has arrived. */
  signalled(name: string): void {
    if (this.#onSignal !== undefined) this.#onSignal(name);
    else if (this.#waitingSignals.length < MAX_WAITING_SIGNALS) this.#waitingSignals.push(name);
  }

  /** For the connection: the client's window has another size. */
  resized(size: PtySize): void {
    this.#size = size;
    this.#onResize?.(size);
  }
}
