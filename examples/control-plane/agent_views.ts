/**
 * What is shown of agents, as JSON.
 *
 * @module
 */
import type { AgentDefinition } from "./agents_file.ts";
import type { ConnectionMonitor } from "./connection_monitor.ts";
import { logSourceOf } from "./manifest.ts";
import type { Store } from "./store.ts";

/** Entries of each history that are shown with an agent. */
const SHOWN_EVENTS = 100;

/** Where the facts come from. */
export interface AgentFacts {
  readonly store: Store;
  readonly monitor: ConnectionMonitor;
  /** Whether the agent's HTTP API can be reached. */
  readonly isReachable: (agentId: string) => boolean;
}

/** One agent in the list. */
export function summaryOf(
  agent: AgentDefinition,
  { store, monitor, isReachable }: AgentFacts,
): Readonly<Record<string, unknown>> {
  const times = store.latest(agent.id, "times");
  return {
    id: agent.id,
    name: agent.name,
    owner: agent.owner,
    workspace: agent.workspace,
    connection: monitor.isConnected(agent.id) ? "connected" : times === undefined ? "never connected" : "disconnected",
    first_connected_at: times?.firstConnectedAt,
    last_connected_at: times?.lastConnectedAt,
    disconnected_at: times?.disconnectedAt,
    lifecycle: store.latest(agent.id, "state")?.state ?? "created",
    version: store.latest(agent.id, "startup")?.version,
    has_tunnel: isReachable(agent.id),
  };
}

/** Everything about one agent but its logs and metrics, which are asked for by themselves. */
export function detailsOf(agent: AgentDefinition, facts: AgentFacts): Readonly<Record<string, unknown>> {
  const { store } = facts;
  const startup = store.latest(agent.id, "startup");
  const state = store.latest(agent.id, "state");
  const stats = store.latest(agent.id, "stats");
  const metadata = store.latestByKey(agent.id, "metadata");
  const health = store.latestByKey(agent.id, "appHealth");
  const statuses = store.events(agent.id, "appStatus", SHOWN_EVENTS)
    .map(({ receivedAt, ...status }) => ({ ...status, received_at: receivedAt }));
  return {
    ...summaryOf(agent, facts),
    startup: startup && {
      version: startup.version,
      api_version: startup.apiVersion,
      directory: startup.directory,
      subsystems: startup.subsystems,
      received_at: startup.receivedAt,
    },
    started_at: state?.startedAt,
    ready_at: state?.readyAt,
    lifecycle_history: store.events(agent.id, "lifecycle", SHOWN_EVENTS).map((entry) => ({
      state: entry.state,
      changed_at: entry.changedAt,
      received_at: entry.receivedAt,
    })),
    metadata: agent.metadata.map(({ key, displayName }) => ({
      key,
      display_name: displayName || key,
      value: metadata[key]?.value ?? "",
      error: metadata[key]?.error ?? "",
      collected_at: metadata[key]?.collectedAt,
    })),
    apps: agent.apps.map(({ id, slug, displayName, healthcheck }) => ({
      id,
      slug,
      display_name: displayName || slug,
      health: health[slug]?.health ?? (healthcheck === undefined ? "disabled" : "initializing"),
      status: statuses.findLast((status) => status.slug === slug),
    })),
    app_statuses: statuses,
    scripts: agent.scripts.map((script) => ({
      id: script.id,
      name: script.name,
      log_source_id: logSourceOf(agent, script),
    })),
    timings: store.events(agent.id, "timing", SHOWN_EVENTS).map(({ scriptId, exitCode, ...timing }) => ({
      script_id: scriptId,
      script: agent.scripts.find(({ id }) => id === scriptId)?.name,
      exit_code: exitCode,
      ...timing,
    })),
    connections: store.events(agent.id, "connection", SHOWN_EVENTS).map(({ statusCode, ...report }) => ({
      ...report,
      status_code: statusCode,
    })),
    usage: store.events(agent.id, "usage", SHOWN_EVENTS).map(({ collectedAt, ...usage }) => ({
      collected_at: collectedAt,
      ...usage,
    })),
    stats: stats && {
      ...stats.counts,
      connections_by_proto: stats.connectionsByProto,
      metrics: stats.metrics.length,
      received_at: stats.receivedAt,
    },
    log_limit_reached: store.latest(agent.id, "logLimit")?.isReached ?? false,
  };
}
