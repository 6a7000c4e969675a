/**
 * What the tests of this plugin share: a jail that writes, and batches to write.
 *
 * @module
 */
import { join } from "@std/path";

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";
import { BoundaryMessageSchema } from "../../core/proto/gen/boundary_pb.ts";
import { encodeFrame, FrameTag } from "./frame.ts";

/** Fields of a batch. */
export type BatchInit = MessageInitShape<typeof ReportBoundaryLogsRequestSchema>;

/** A batch of `entries` denied requests to `url`. */
export function batch(url: string, entries = 1): BatchInit {
  return {
    sessionId: "6ad9d8c1-4b0c-4e0a-9a4e-0f2d6a1c7b11",
    logs: Array.from({ length: entries }, (_, sequenceNumber) => ({
      sequenceNumber,
      time: { seconds: 1767225600n },
      resource: { case: "httpRequest", value: { method: "GET", url } },
    })),
  };
}

/** A batch as older jails send it. */
export function bareFrame(init: BatchInit): Uint8Array<ArrayBuffer> {
  const message = create(ReportBoundaryLogsRequestSchema, init);
  return encodeFrame(FrameTag.logs, toBinary(ReportBoundaryLogsRequestSchema, message));
}

/** A batch as present jails send it. */
export function logsFrame(init: BatchInit): Uint8Array<ArrayBuffer> {
  return envelopeFrame({ case: "logs", value: create(ReportBoundaryLogsRequestSchema, init) });
}

/** What a jail says it lost. */
export function statusFrame(droppedChannelFull: bigint, droppedBatchFull: bigint): Uint8Array<ArrayBuffer> {
  const message = create(BoundaryMessageSchema, {
    msg: { case: "status", value: { droppedChannelFull, droppedBatchFull } },
  });
  return encodeFrame(FrameTag.envelope, toBinary(BoundaryMessageSchema, message));
}

function envelopeFrame(msg: MessageInitShape<typeof BoundaryMessageSchema>["msg"]): Uint8Array<ArrayBuffer> {
  return encodeFrame(FrameTag.envelope, toBinary(BoundaryMessageSchema, create(BoundaryMessageSchema, { msg })));
}

/** The first URL of a batch. */
export function urlOf(
  request: { readonly logs: readonly { readonly resource: { readonly value?: { url: string } } }[] },
) {
  return request.logs[0]?.resource.value?.url;
}

/** A folder for a socket, removed at the end. */
export async function socketFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "boundarylogs-" });
  return {
    path: join(folder, "boundary.sock"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A jail's end of a connection. */
export class Jail implements Disposable {
  private constructor(readonly connection: Deno.UnixConn) {}

  /** Connects. */
  static async connect(path: string): Promise<Jail> {
    return new Jail(await Deno.connect({ transport: "unix", path }));
  }

  /** Writes all of it. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.connection.write(rest));
  }

  /** Resolves when the agent has closed the connection; fails when it sends something. */
  async closed(): Promise<void> {
    try {
      const count = await this.connection.read(new Uint8Array(1));
      if (count !== null) throw new Error("the agent sent bytes");
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  /** Hangs up. */
  [Symbol.dispose](): void {
    this.connection.close();
  }
}
