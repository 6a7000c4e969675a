/**
 * Batches as the journal keeps them. Loaded with the first batch, because it brings protobuf along.
 *
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";

import { type ReportBoundaryLogsRequest, ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";

/** Encodes a batch, fields of later versions included. */
export function encodeBatch(request: ReportBoundaryLogsRequest): Uint8Array {
  return toBinary(ReportBoundaryLogsRequestSchema, request);
}

/** @throws {Error} When it is not valid protobuf. */
export function decodeBatch(bytes: Uint8Array): ReportBoundaryLogsRequest {
  return fromBinary(ReportBoundaryLogsRequestSchema, bytes);
}
