/**
 * Requests that went through a workspace's network jail: logged one by one, and kept.
 *
 * @module
 */
import type { Logger } from "../../core/plugin.ts";
import type { BoundaryLog, ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import type { AgentDefinition } from "./agents_file.ts";
import type { BoundaryEntry } from "./store.ts";
import { timeText } from "./timestamps.ts";
import { isUuid } from "./uuid.ts";

/** Most entries in one report. */
const MAX_BATCH = 1000;

/** What {@linkcode auditBoundary} needs beside the report. */
export interface BoundaryAudit {
  readonly agent: AgentDefinition;
  /** Id of the HTTP request that the connection came in with. */
  readonly requestId: string;
  readonly log: Logger;
  readonly nowMs: number;
}

/**
 * Writes a line `boundary_request` per entry, and returns the entries.
 *
 * @throws {RpcError} When there are more than 1000.
 */
export function auditBoundary(report: ReportBoundaryLogsRequest, audit: BoundaryAudit): readonly BoundaryEntry[] {
  const { log, agent } = audit;
  if (report.logs.length > MAX_BATCH) {
    throw new RpcError(`batch size ${report.logs.length} exceeds maximum of ${MAX_BATCH}`);
  }
  if (report.sessionId !== "" && !isUuid(report.sessionId)) {
    log.warn("invalid boundary session id", { agent_name: agent.name, session_id: report.sessionId });
  }
  const entries: BoundaryEntry[] = [];
  for (const entry of report.logs) {
    const read = readEntry(entry, report.sessionId, audit.nowMs);
    if (read === undefined) {
      log.warn("unknown resource type", { agent_name: agent.name });
      continue;
    }
    entries.push(read);
    logEntry(read, audit);
  }
  return entries;
}

function readEntry(entry: BoundaryLog, sessionId: string, nowMs: number): BoundaryEntry | undefined {
  if (entry.resource.case !== "httpRequest") return undefined;
  const { method, url, matchedRule } = entry.resource.value;
  return {
    decision: entry.allowed ? "allow" : "deny",
    time: timeText(entry.time, nowMs),
    method,
    url,
    host: URL.parse(url)?.hostname ?? "",
    ...(entry.allowed ? { matchedRule } : {}),
    sessionId,
    sequenceNumber: entry.sequenceNumber,
  };
}

function logEntry(entry: BoundaryEntry, { agent, requestId, log }: BoundaryAudit): void {
  log.info("boundary_request", {
    owner: agent.owner,
    workspace_name: agent.workspace,
    agent_name: agent.name,
    request_id: requestId,
    decision: entry.decision,
    session_id: entry.sessionId,
    sequence_number: entry.sequenceNumber,
    workspace_id: agent.workspaceId,
    template_id: agent.templateId,
    template_version_id: agent.templateVersionId,
    http_method: entry.method,
    http_url: entry.url,
    // As Go writes it: without zeros at the end.
    event_time: entry.time.replace(/\.?0+Z$/, "Z"),
    ...(entry.matchedRule === undefined ? {} : { matched_rule: entry.matchedRule }),
  });
}
