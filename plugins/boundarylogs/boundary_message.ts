/**
 * What a frame's payload says.
 *
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";

import { type ReportBoundaryLogsRequest, ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";
import { BoundaryMessageSchema } from "../../core/proto/gen/boundary_pb.ts";
import { type Frame, FrameTag } from "./frame.ts";

/** The content of one frame. */
export type BoundaryEvent =
  | { readonly kind: "logs"; readonly request: ReportBoundaryLogsRequest }
  /** Entries the jail lost before they reached the agent, since it last said so. */
  | { readonly kind: "status"; readonly channelFull: number; readonly batchFull: number }
  /** An envelope whose content this version does not know. */
  | { readonly kind: "unknown" };

/** @throws {Error} When the payload is not valid protobuf. */
export function decodeFrame({ tag, payload }: Frame): BoundaryEvent {
  if (tag === FrameTag.logs) {
    return { kind: "logs", request: fromBinary(ReportBoundaryLogsRequestSchema, payload) };
  }
  const { msg } = fromBinary(BoundaryMessageSchema, payload);
  switch (msg.case) {
    case "logs":
      return { kind: "logs", request: msg.value };
    case "status": {
      const { droppedChannelFull, droppedBatchFull } = msg.value;
      return { kind: "status", channelFull: countOf(droppedChannelFull), batchFull: countOf(droppedBatchFull) };
    }
    default:
      return { kind: "unknown" };
  }
}

/** A count as the other side means it; a negative one is a mistake of the sender and counts nothing. */
function countOf(value: bigint): number {
  return value > 0n ? Number(value) : 0;
}
