/**
 * The agent API: what one connected agent may ask and report.
 *
 * @module
 */
import type { Clock, Logger, ServiceImplementation } from "../../core/plugin.ts";
import { type Agent, Lifecycle_State } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import {
  readAppHealth,
  readAppStatus,
  readLifecycle,
  readStartup,
  readStats,
  readTiming,
  readUsage,
  subsystemName,
} from "./agent_reports.ts";
import type { AgentDefinition } from "./agents_file.ts";
import { auditBoundary } from "./boundary_audit.ts";
import type { Changes } from "./changes.ts";
import { readConnection } from "./connection_reports.ts";
import { MAX_LOG_BYTES, outputBytes, readLogs, repeatedLines } from "./log_rules.ts";
import { manifestOf } from "./manifest.ts";
import { checkMetadata } from "./metadata_rules.ts";
import type { LogLine, Store } from "./store.ts";
import { nowText } from "./timestamps.ts";
import { uuidText } from "./uuid.ts";

/** What {@linkcode agentService} works with. */
export interface AgentServiceOptions {
  readonly agent: AgentDefinition;
  /** Version this connection speaks. */
  readonly apiVersion: string;
  /** Id of the HTTP request that the connection came in with. */
  readonly requestId: string;
  readonly statsIntervalSeconds: number;
  readonly store: Store;
  readonly changes: Changes;
  readonly clock: Clock;
  /** Gets a line per audited request. */
  readonly log: Logger;
}

/** Makes the service of one connection. */
export function agentService(options: AgentServiceOptions): ServiceImplementation<typeof Agent> {
  const { agent, store, clock } = options;
  const changed = (kind: string) => options.changes.publish(agent.id, kind);
  const logs = new LogIntake(agent.id, store);
  return {
    getManifest: () => manifestOf(agent),
    getServiceBanner() {
      const [first] = agent.banners;
      return first === undefined ? {} : { enabled: true, message: first.message, backgroundColor: first.background };
    },
    getAnnouncementBanners: () => ({
      announcementBanners: agent.banners.map(({ message, background }) => ({
        enabled: true,
        message,
        backgroundColor: background,
      })),
    }),
    updateStartup({ startup }) {
      const checked = readStartup(startup);
      store.put(agent.id, "startup", "", {
        version: checked.version,
        apiVersion: options.apiVersion,
        directory: checked.expandedDirectory,
        subsystems: checked.subsystems.map(subsystemName),
        receivedAt: nowText(clock.now()),
      });
      changed("startup");
      return checked;
    },
    updateLifecycle({ lifecycle }) {
      const now = clock.now();
      const next = readLifecycle(lifecycle, store.latest(agent.id, "state"), now);
      const { state, changedAt } = next;
      // An agent that did not see the answer says the same again; it has happened once.
      const entry = { state, changedAt, receivedAt: nowText(now) };
      if (store.append(agent.id, "lifecycle", entry, `${state} ${changedAt}`)) {
        store.put(agent.id, "state", "", next);
        changed("lifecycle");
      }
      return lifecycle ?? { state: Lifecycle_State.STATE_UNSPECIFIED };
    },
    updateStats({ stats }) {
      if (stats !== undefined) {
        store.put(agent.id, "stats", "", readStats(stats, clock.now()));
        changed("stats");
      }
      return { reportInterval: { seconds: BigInt(options.statsIntervalSeconds) } };
    },
    batchUpdateMetadata({ metadata }) {
      const { values, problem } = checkMetadata(metadata, nowText(clock.now()));
      for (const [key, value] of values) {
        // What the manifest does not ask for has no place.
        if (agent.metadata.some((each) => each.key === key)) store.put(agent.id, "metadata", key, value);
      }
      changed("metadata");
      if (problem !== undefined) throw new RpcError(problem);
      return {};
    },
    batchCreateLogs(request) {
      if (logs.isFull) return { logLimitExceeded: true };
      if (request.logs.length === 0) return {};
      const sourceId = uuidText(request.logSourceId);
      if (sourceId === undefined) throw new RpcError("log source id is not a UUID");
      const logLimitExceeded = !logs.add(readLogs(sourceId, request.logs, clock.now()));
      changed("logs");
      return { logLimitExceeded };
    },
    scriptCompleted({ timing }) {
      const read = readTiming(timing);
      store.append(agent.id, "timing", read, `${read.scriptId} ${read.stage} ${read.start}`);
      changed("timing");
      return {};
    },
    reportConnection({ connection }) {
      const read = readConnection(connection, clock.now());
      store.append(agent.id, "connection", read, `${read.id} ${read.action}`);
      changed("connections");
      return {};
    },
    batchUpdateAppHealths(request) {
      const receivedAt = nowText(clock.now());
      for (const [slug, health] of readAppHealth(request, agent)) {
        store.put(agent.id, "appHealth", slug, { health, receivedAt });
      }
      changed("apps");
      return {};
    },
    updateAppStatus(request) {
      store.append(agent.id, "appStatus", readAppStatus(request, agent, clock.now()));
      changed("apps");
      return {};
    },
    getResourcesMonitoringConfiguration: () => ({
      config: { numDatapoints: agent.monitor.datapoints, collectionIntervalSeconds: agent.monitor.intervalSeconds },
      ...(agent.monitor.memory ? { memory: { enabled: true } } : {}),
      volumes: agent.monitor.volumes.map((path) => ({ enabled: true, path })),
    }),
    pushResourcesMonitoringUsage({ datapoints }) {
      for (const datapoint of datapoints) {
        const read = readUsage(datapoint, clock.now());
        // Agents send their whole window each time: only what is new is added.
        store.append(agent.id, "usage", read, read.collectedAt);
      }
      changed("usage");
      return {};
    },
    reportBoundaryLogs(report) {
      const { requestId, log } = options;
      const entries = auditBoundary(report, { agent, requestId, log, nowMs: clock.now() });
      if (entries.length > 0) {
        store.addBoundary(agent.id, entries);
        changed("boundary");
      }
      return {};
    },
  };
}

/** Takes the lines of one connection. */
class LogIntake {
  readonly #agentId: string;
  readonly #store: Store;
  /** Sources that sent something over this connection: only the first batch of each can be a repetition. */
  readonly #seen = new Set<string>();

  constructor(agentId: string, store: Store) {
    this.#agentId = agentId;
    this.#store = store;
  }

  get isFull(): boolean {
    return this.#store.latest(this.#agentId, "logLimit")?.isReached ?? false;
  }

  /** Adds lines of one source. `false` when there is no room for them, and from now on for none. */
  add(lines: readonly LogLine[]): boolean {
    const [first] = lines;
    if (first === undefined) return true;
    const fresh = this.#seen.has(first.sourceId) ? lines : lines.slice(this.#repeated(first.sourceId, lines));
    this.#seen.add(first.sourceId);
    if (this.#store.logBytes(this.#agentId) + outputBytes(fresh) > MAX_LOG_BYTES) {
      this.#store.put(this.#agentId, "logLimit", "", { isReached: true });
      return false;
    }
    this.#store.addLogs(this.#agentId, fresh);
    return true;
  }

  #repeated(sourceId: string, lines: readonly LogLine[]): number {
    return repeatedLines(this.#store.lastLogs(this.#agentId, sourceId, lines.length), lines);
  }
}
