/**
 * Settings of a yamux session. The defaults are those of the reference's peers.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import type { Clock } from "../../plugin.ts";
import { INITIAL_WINDOW_BYTES } from "./stream.ts";

/** What {@linkcode YamuxSession} takes. */
export interface YamuxOptions {
  /** The side that dialled is the client; it opens streams with odd ids. */
  readonly role: "client" | "server";
  readonly clock?: Clock;
  /** Unread bytes allowed per stream, at least 256 KiB, which is the default. */
  readonly windowBytes?: number;
  /** Streams that may wait for the peer's acceptance, and that may wait here for ours. Default 256. */
  readonly acceptBacklog?: number;
  /** Streams the peer may have open at once; more are reset. Bounds memory together with `windowBytes`. Default 4096. */
  readonly maxInboundStreams?: number;
  /** Time between pings that keep the connection alive, in milliseconds; 0 sends none. Default 30 s. */
  readonly keepAliveMs?: number;
  /** Limit for one write of the transport and for the answer to a ping, in milliseconds. Default 10 s. */
  readonly writeTimeoutMs?: number;
  /** Limit for the acceptance of a stream, in milliseconds; the whole session ends when it passes. Default 75 s. */
  readonly openTimeoutMs?: number;
  /** Limit for the peer to close a stream that was closed here, in milliseconds; then it is reset. Default 5 min. */
  readonly closeTimeoutMs?: number;
}

/** @throws {RangeError} When the window is smaller than the protocol's initial one. */
export function withDefaults(options: YamuxOptions): Required<YamuxOptions> {
  const windowBytes = options.windowBytes ?? INITIAL_WINDOW_BYTES;
  if (windowBytes < INITIAL_WINDOW_BYTES) {
    throw new RangeError(`Cannot use a window of ${windowBytes} bytes: the least is ${INITIAL_WINDOW_BYTES}`);
  }
  return {
    role: options.role,
    clock: options.clock ?? systemClock,
    windowBytes,
    acceptBacklog: options.acceptBacklog ?? 256,
    maxInboundStreams: options.maxInboundStreams ?? 4096,
    keepAliveMs: options.keepAliveMs ?? 30_000,
    writeTimeoutMs: options.writeTimeoutMs ?? 10_000,
    openTimeoutMs: options.openTimeoutMs ?? 75_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5 * 60_000,
  };
}
