/**
 * One jail's connection: reads frames to the end. Nothing is ever written to it.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Awaitable, Logger } from "../../core/plugin.ts";
import type { ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { decodeFrame } from "./boundary_message.ts";
import type { BoundaryMetrics, Rejection } from "./boundary_metrics.ts";
import { type Frame, FrameError, FrameReader } from "./frame.ts";

/** Where bytes come from. */
export interface ByteSource {
  /** Fills the start of `bytes`; `null` at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** What reading a connection needs. */
export interface JailConnectionOptions {
  readonly log: Logger;
  readonly metrics: BoundaryMetrics;
  /** Takes one batch. A promise holds this connection, and thereby its writer, until it settles. */
  readonly take: (request: ReportBoundaryLogsRequest) => Awaitable<void>;
}

/**
 * Reads until the writer ends, `source` is closed, or a header breaks the protocol. A frame whose content is broken is skipped.
 * Resolves in every case.
 */
export async function readJail(source: ByteSource, options: JailConnectionOptions): Promise<void> {
  await new JailConnection(source, options).read();
}

class JailConnection {
  readonly #source: ByteSource;
  readonly #options: JailConnectionOptions;
  readonly #reader = new FrameReader();
  #hasWarned = false;

  constructor(source: ByteSource, options: JailConnectionOptions) {
    this.#source = source;
    this.#options = options;
  }

  async read(): Promise<void> {
    try {
      for (let count = await this.#fill(); count !== null; count = await this.#fill()) {
        for (const frame of this.#reader.filled(count)) {
          const taken = this.#take(frame);
          if (taken !== undefined) await taken;
        }
      }
    } catch (error) {
      if (error instanceof FrameError) this.#reject(error.problem, error);
      // Otherwise the writer was killed or the agent closes the socket: the same as an end.
      else this.#options.log.debug("boundary connection ended", { error: messageOf(error) });
      return;
    }
    if (this.#reader.pendingBytes > 0) {
      this.#options.log.warn("boundary connection ended inside a frame", { bytes: this.#reader.pendingBytes });
    }
  }

  #fill(): Promise<number | null> {
    return this.#source.read(this.#reader.space());
  }

  #take(frame: Frame): Promise<void> | undefined {
    let event;
    try {
      event = decodeFrame(frame);
    } catch (error) {
      this.#reject("invalid", error);
      return undefined;
    }
    switch (event.kind) {
      case "logs":
        return this.#options.take(event.request) ?? undefined;
      case "status":
        this.#options.metrics.lostInJail(event.channelFull, event.batchFull);
        return undefined;
      case "unknown":
        this.#reject("unknown_message", new Error("the message is of a kind this agent does not know"));
        return undefined;
    }
  }

  /** Warns once per connection, so that a writer gone mad cannot fill the log; every frame is counted. */
  #reject(reason: Rejection, error: unknown): void {
    this.#options.metrics.rejected.inc({ reason });
    const fields = { reason, error: messageOf(error) };
    if (this.#hasWarned) this.#options.log.debug("boundary frame rejected", fields);
    else this.#options.log.warn("boundary frame rejected", fields);
    this.#hasWarned = true;
  }
}
