/**
 * Checks of the smaller reports of an agent. Each returns what is to be stored.
 *
 * @module
 */
import {
  AppHealth,
  type BatchUpdateAppHealthRequest,
  type Lifecycle,
  Lifecycle_State,
  type PushResourcesMonitoringUsageRequest_Datapoint,
  type Startup,
  Startup_Subsystem,
  type Stats,
  Stats_Metric_Type,
  type Timing,
  Timing_Stage,
  Timing_Status,
  type UpdateAppStatusRequest,
  UpdateAppStatusRequest_AppStatusState as AppStatusState,
} from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import type { AgentDefinition } from "./agents_file.ts";
import type { EventKinds, LatestKinds, LifecycleState } from "./store.ts";
import { isGiven, nanosecondsOf, nowText, timeText } from "./timestamps.ts";
import { uuidText } from "./uuid.ts";

/** Semantic version with `v` in front; minor and patch may be missing, as in Go's module tools. */
const VERSION =
  /^v(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*))*)?(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?)?)?$/i;
/** Longest message of an app's status, in bytes. */
const MAX_MESSAGE_BYTES = 160;

/** @throws {RpcError} When the version is none, or a subsystem is unknown. */
export function readStartup(startup: Startup | undefined): Omit<Startup, "$typeName" | "$unknown"> {
  const { version = "", expandedDirectory = "", subsystems = [] } = startup ?? {};
  if (!VERSION.test(version)) throw new RpcError(`invalid agent semver version "${version}"`);
  for (const subsystem of subsystems) {
    const isKnown = subsystem !== Startup_Subsystem.SUBSYSTEM_UNSPECIFIED && Startup_Subsystem[subsystem] !== undefined;
    if (!isKnown) throw new RpcError(`invalid agent subsystem "${Startup_Subsystem[subsystem] ?? subsystem}"`);
  }
  return { version, expandedDirectory, subsystems: [...new Set(subsystems)].sort((a, b) => a - b) };
}

/** The name of a subsystem, in lower case. */
export function subsystemName(subsystem: Startup_Subsystem): string {
  return Startup_Subsystem[subsystem].toLowerCase();
}

/** @throws {RpcError} When the state is none. */
export function readLifecycle(
  lifecycle: Lifecycle | undefined,
  before: LifecycleState | undefined,
  nowMs: number,
): LifecycleState {
  const state = lifecycle?.state ?? Lifecycle_State.STATE_UNSPECIFIED;
  if (state === Lifecycle_State.STATE_UNSPECIFIED || Lifecycle_State[state] === undefined) {
    throw new RpcError(`unknown lifecycle state ${Lifecycle_State[state] ?? state}`);
  }
  const changedAt = timeText(lifecycle?.changedAt, nowMs);
  const now = { state: Lifecycle_State[state].toLowerCase(), changedAt };
  if (state === Lifecycle_State.STARTING) return { ...now, startedAt: changedAt };
  const isReady = ENDS_OF_START.has(state);
  return { ...before, ...now, ...(isReady ? { readyAt: changedAt } : {}) };
}

const ENDS_OF_START: ReadonlySet<Lifecycle_State> = new Set([
  Lifecycle_State.READY,
  Lifecycle_State.START_TIMEOUT,
  Lifecycle_State.START_ERROR,
]);

/** @throws {RpcError} When a time is missing, or the end is before the start. */
export function readTiming(timing: Timing | undefined): EventKinds["timing"] {
  if (timing === undefined) throw new RpcError("script timing is required");
  const { start, end, exitCode } = timing;
  const scriptId = uuidText(timing.scriptId);
  if (scriptId === undefined) throw new RpcError("script id is not a UUID");
  if (!isGiven(start)) throw new RpcError("script start time is required and cannot be zero");
  if (!isGiven(end)) throw new RpcError("script end time is required and cannot be zero");
  if (nanosecondsOf(start) > nanosecondsOf(end)) throw new RpcError("script start time cannot be after end time");
  const stage = Timing_Stage[timing.stage];
  const status = Timing_Status[timing.status];
  if (stage === undefined) throw new RpcError(`unknown script stage ${timing.stage}`);
  if (status === undefined) throw new RpcError(`unknown script status ${timing.status}`);
  return {
    scriptId,
    stage: stage.toLowerCase(),
    status: status.toLowerCase(),
    exitCode,
    start: timeText(start, 0),
    end: timeText(end, 0),
  };
}

/** Health by slug. @throws {RpcError} When an app is not the agent's, has no check, or the health is unknown. */
export function readAppHealth(
  { updates }: BatchUpdateAppHealthRequest,
  { apps }: AgentDefinition,
): ReadonlyMap<string, string> {
  const bySlug = new Map<string, string>();
  for (const { id, health } of updates) {
    const text = uuidText(id) ?? "";
    const app = apps.find((each) => each.id === text);
    if (app === undefined) throw new RpcError(`workspace app ID "${text}" not found`);
    if (app.healthcheck === undefined) {
      throw new RpcError(`workspace app "${app.slug}" does not have healthchecks enabled`);
    }
    if (health === AppHealth.APP_HEALTH_UNSPECIFIED || AppHealth[health] === undefined) {
      throw new RpcError(`unknown health ${health} of workspace app "${app.slug}"`);
    }
    bySlug.set(app.slug, AppHealth[health].toLowerCase());
  }
  return bySlug;
}

/** @throws {RpcError} When the app is not the agent's, the state is unknown, or the message is too long. */
export function readAppStatus(
  { slug, state, message, uri }: UpdateAppStatusRequest,
  { apps }: AgentDefinition,
  nowMs: number,
): EventKinds["appStatus"] {
  const bytes = new TextEncoder().encode(message).length;
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new RpcError(`message of ${bytes} bytes exceeds the maximum of ${MAX_MESSAGE_BYTES}`);
  }
  if (AppStatusState[state] === undefined) throw new RpcError(`unknown app status state ${state}`);
  if (!apps.some((app) => app.slug === slug)) throw new RpcError(`no app found with slug "${slug}"`);
  return {
    slug,
    state: AppStatusState[state].toLowerCase(),
    message: message.replace(CONTROLS, "").replace(/\s+/g, " ").trim(),
    uri,
    receivedAt: nowText(nowMs),
  };
}

/** Control characters except white space, and marks that turn the direction of text around. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Statistics as JSON can hold them. */
export function readStats(stats: Stats, nowMs: number): LatestKinds["stats"] {
  const { $typeName: _type, $unknown: _unknown, metrics, connectionsByProto, ...counts } = stats;
  return {
    counts: Object.fromEntries(Object.entries(counts).map(([name, value]) => [snakeCase(name), Number(value)])),
    connectionsByProto: Object.fromEntries(Object.entries(connectionsByProto).map(([k, v]) => [k, Number(v)])),
    metrics: metrics.map(({ name, type, value, labels }) => ({
      ...{ name, type: (Stats_Metric_Type[type] ?? "unknown").toLowerCase(), value },
      labels: Object.fromEntries(labels.map((label) => [label.name, label.value])),
    })),
    receivedAt: nowText(nowMs),
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Sizes are numbers: no disk or memory comes near 2^53 bytes. */
export function readUsage(
  { collectedAt, memory, volumes }: PushResourcesMonitoringUsageRequest_Datapoint,
  nowMs: number,
): EventKinds["usage"] {
  return {
    collectedAt: timeText(collectedAt, nowMs),
    ...(memory === undefined ? {} : { memory: { used: Number(memory.used), total: Number(memory.total) } }),
    volumes: volumes.map(({ volume, used, total }) => ({ volume, used: Number(used), total: Number(total) })),
  };
}
