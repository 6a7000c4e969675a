/**
 * An ordered stream of bytes in both directions: what every layer of the RPC connection stands on and offers.
 *
 * @module
 */

/** A duplex byte stream. One reader and one writer at a time on each side. */
export interface ByteStream {
  /**
   * The next bytes, in chunks of any size; `null` once the peer has sent everything. The chunk belongs to the caller.
   *
   * @throws {Error} When the stream broke, or was closed on this side.
   */
  read(): Promise<Uint8Array | null>;
  /**
   * Sends bytes. Resolves when more may be written, which is how a slow peer slows its sender down; the bytes may still be
   * on their way. They belong to the stream from the call on: do not change them.
   *
   * @throws {Error} When the stream broke, or was closed on this side.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that nothing more will be written; the peer reads to the end. A transport that cannot half-close ends here. */
  closeWrite(): Promise<void>;
  /** Ends both directions at once; waiting reads and writes fail with `reason`. Closing twice does nothing. */
  close(reason?: Error): void;
  /** Resolves when nothing of the transport is left, which for some is after {@linkcode close}. Never rejects. Absent: at once. */
  readonly released?: Promise<void>;
}

/** A stream was used after it was closed on this side. */
export class StreamClosedError extends Error {
  override readonly name = "StreamClosedError";
  readonly code = "stream_closed";

  constructor(message = "Cannot use the stream: it is closed") {
    super(message);
  }
}
