/**
 * How yamux sessions and streams fail.
 *
 * @module
 */

/** What went wrong, as a stable word. */
export type YamuxErrorCode =
  /** This side closed the session. */
  | "session_closed"
  /** The peer ended the connection in an orderly way. */
  | "session_ended"
  /** The transport below broke. */
  | "transport_failed"
  /** The peer broke the protocol. */
  | "protocol_error"
  /** The peer said that it failed, with a go-away code other than "normal". */
  | "remote_error"
  /** The peer does not take new streams. */
  | "go_away"
  /** A keep-alive or other ping was not answered in time. */
  | "ping_timeout"
  /** The transport did not take our bytes in time. */
  | "write_timeout"
  /** The peer did not accept a stream in time. */
  | "open_timeout"
  /** The peer refused or dropped the stream, or it was dropped here after its close took too long. */
  | "stream_reset"
  /** The stream was written to after its writing side was closed, or used after it was closed here. */
  | "stream_closed";

/** A session or stream of yamux ended, or was used wrongly. */
export class YamuxError extends Error {
  override readonly name = "YamuxError";

  constructor(readonly code: YamuxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
