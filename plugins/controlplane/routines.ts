/**
 * What runs while the agent is connected. Imported with the first connection, because it brings protobuf.
 *
 * @module
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import { messageOf, RpcUnavailableError } from "../../core/errors.ts";
import type { LatestValue } from "../../core/latest_value.ts";
import type { PluginContext, Rpc } from "../../core/plugin.ts";
import {
  Agent,
  Connection_Action,
  Connection_Type,
  type Lifecycle_State,
  Startup_Subsystem,
} from "../../core/proto/gen/agent_pb.ts";
import type { ControlplaneConfig } from "./config.ts";
import type { ConnectionQueue, ConnectionReport } from "./connection_queue.ts";
import type { LifecycleDriver } from "./lifecycle_driver.ts";
import { LIFECYCLE_STATES } from "./lifecycle_history.ts";
import { type ManifestReading, readManifest } from "./manifest.ts";
import { writeSecretFiles } from "./secret_files.ts";
import type { Banner, Manifest } from "./service.ts";
import { writeVsCodeSettings } from "./vscode_settings.ts";
import { uuidBytes } from "../../core/uuid.ts";

/** What the routines share with the plugin. */
export interface RoutineParts {
  readonly ctx: Pick<
    PluginContext<ControlplaneConfig, Record<never, never>>,
    "config" | "clock" | "log" | "env" | "exec" | "host"
  >;
  readonly readings: LatestValue<ManifestReading>;
  readonly manifests: LatestValue<Manifest>;
  readonly banners: LatestValue<readonly Banner[]>;
  readonly lifecycle: LifecycleDriver;
  readonly connections: ConnectionQueue;
}

/** Takes the manifest, answers with UpdateStartup, and begins the agent's start when it is the first one. */
export async function handleManifest(rpc: Rpc, _signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { ctx, readings, manifests, lifecycle } = parts;
  const client = rpc.client(Agent);
  const variables = await ctx.env.build();
  const reading = readManifest(await client.getManifest({}), variables);
  const { manifest } = reading;
  await client.updateStartup({
    startup: {
      version: `v${ctx.host.agentVersion}`,
      expandedDirectory: manifest.directory,
      subsystems: ctx.config.subsystems.map((name) => SUBSYSTEM[name]),
    },
  });
  readings.set(reading);
  ctx.exec.suggestDirectory(manifest.directory === "" ? undefined : manifest.directory);
  await writeSecretFiles(reading.secrets, variables.HOME ?? "", ctx.log);
  if (manifests.current === undefined && manifest.gitAuthConfigs > 0) await writeVsCodeSettings(variables, ctx.log);
  manifests.set(manifest);
  // The start goes on through reconnects; nobody here waits for it.
  void lifecycle.begin(manifest);
}

const SUBSYSTEM = {
  envbox: Startup_Subsystem.ENVBOX,
  envbuilder: Startup_Subsystem.ENVBUILDER,
  exectrace: Startup_Subsystem.EXECTRACE,
} as const;

/** Keeps the banners up to date. */
export async function fetchBanners(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { ctx, banners } = parts;
  while (!signal.aborted) {
    banners.set(await currentBanners(rpc));
    await ctx.clock.sleep(ctx.config.bannerMs, signal);
  }
}

async function currentBanners(rpc: Rpc): Promise<readonly Banner[]> {
  const client = rpc.client(Agent);
  try {
    const { announcementBanners } = await client.getAnnouncementBanners({});
    return announcementBanners.filter((banner) => banner.enabled);
  } catch (error) {
    if (!(error instanceof RpcUnavailableError && error.reason === "version")) throw error;
    const banner = await client.getServiceBanner({});
    return banner.enabled ? [banner] : [];
  }
}

/** Sends every state that has not arrived, in order; each counts as sent only when the control plane answered. */
export async function reportLifecycle(rpc: Rpc, signal: AbortSignal, { lifecycle }: RoutineParts): Promise<void> {
  const client = rpc.client(Agent);
  const { history } = lifecycle;
  lifecycle.isConnected = true;
  history.stir();
  try {
    for await (const _ of history.changes.watch(signal)) {
      for (let entry = history.unsent; entry !== undefined; entry = history.unsent) {
        const state = LIFECYCLE_STATES.indexOf(entry.state) + 1 as Lifecycle_State;
        await client.updateLifecycle({ lifecycle: { state, changedAt: timestampFromMs(entry.changedAtMs) } });
        history.arrived();
      }
    }
  } finally {
    lifecycle.isConnected = false;
    history.stir();
  }
}

/** Sends connection reports one by one. One that fails is given up: a second try could report it twice. */
export async function reportConnections(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { ctx, connections } = parts;
  const client = rpc.client(Agent);
  for await (const _ of connections.changes.watch(signal)) {
    for (let report = connections.take(); report !== undefined; report = connections.take()) {
      try {
        await client.reportConnection({ connection: connectionOf(report) });
      } catch (error) {
        ctx.log.warn("connection report given up", { action: report.action, error: messageOf(error) });
        // The others wait for the next connection, which comes also when this one is there still and takes no calls.
        if (signal.aborted) return;
        if (error instanceof RpcUnavailableError) throw error;
      }
    }
  }
}

const CONNECTION_TYPE = {
  ssh: Connection_Type.SSH,
  vscode: Connection_Type.VSCODE,
  jetbrains: Connection_Type.JETBRAINS,
  reconnecting_pty: Connection_Type.RECONNECTING_PTY,
  unspecified: Connection_Type.TYPE_UNSPECIFIED,
} as const;

function connectionOf(report: ConnectionReport) {
  return {
    id: uuidBytes(report.id),
    action: report.action === "connect" ? Connection_Action.CONNECT : Connection_Action.DISCONNECT,
    type: CONNECTION_TYPE[report.kind],
    timestamp: timestampFromMs(report.atMs),
    ip: report.ip,
    statusCode: report.statusCode,
    ...(report.reason !== undefined && { reason: report.reason }),
  };
}
