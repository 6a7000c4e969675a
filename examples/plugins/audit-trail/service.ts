/**
 * What other plugins may use of the audit trail. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "@outpost/agent";

/** Adds records of other plugins to the chain. */
export interface AuditTrail {
  /** Returns when the record is on the disk. `data` must survive JSON. */
  record(kind: string, data: Readonly<Record<string, unknown>>): Promise<void>;
}
/** Token for {@linkcode AuditTrail}. */
export const AuditTrail: ServiceToken<AuditTrail> = defineService("audit-trail/trail");
