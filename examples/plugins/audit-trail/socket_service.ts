/**
 * What local programs get of the trail, over the agent's Unix socket. `audit_trail.proto` describes it; `deno task proto` writes `gen/`.
 *
 * @module
 */
import { RpcError, type ServiceImplementation } from "@outpost/agent";
import type { AuditRecord, TrailCheck } from "./chain.ts";
import type { AuditTrailService } from "./gen/audit_trail_pb.ts";

/** Kinds of the agent's own records, which nobody else may write. */
const RESERVED = /^(process|file|trail|control_plane)\./;
/** What gRPC calls INVALID_ARGUMENT. */
const INVALID_ARGUMENT = 3n;

/** What the service works with. */
export interface Trail {
  record(kind: string, data: Readonly<Record<string, unknown>>): Promise<AuditRecord>;
  check(): Promise<TrailCheck>;
}

/** The service. */
export function trailService(trail: Trail): ServiceImplementation<typeof AuditTrailService> {
  return {
    async append({ kind, data = {} }) {
      if (kind === "" || RESERVED.test(kind)) {
        throw new RpcError(
          `Cannot record "${kind}": expected a kind that is none of the agent's own`,
          INVALID_ARGUMENT,
        );
      }
      const { seq, hash } = await trail.record(kind, data);
      return { seq: BigInt(seq), hash };
    },
    async verify() {
      const { records, head, broken } = await trail.check();
      return {
        records: BigInt(records),
        head: head?.hash ?? "",
        broken: broken === undefined ? "" : `${broken.file}, line ${broken.line}: ${broken.why}`,
      };
    },
  };
}
