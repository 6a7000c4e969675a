/**
 * Reads the manifest of the agent API into what plugins use.
 *
 * @module
 */
import type { Duration } from "@bufbuild/protobuf/wkt";

import { type Manifest as WireManifest, WorkspaceApp_Health } from "../../core/proto/gen/agent_pb.ts";
import type { Variables } from "../../core/plugin.ts";
import { expandPath } from "../../core/expand_path.ts";
import type { Manifest, ManifestAppHealth } from "./service.ts";
import { uuidText } from "../../core/uuid.ts";

/** A secret of the manifest: goes into the environment of children, into a file, or both. */
export interface ManifestSecret {
  /** Empty: not in the environment. */
  readonly envName: string;
  /** Empty: not in a file. */
  readonly filePath: string;
  readonly value: Uint8Array;
}
/** A manifest, with its secrets apart so that they are not passed around. */
export interface ManifestReading {
  readonly manifest: Manifest;
  readonly secrets: readonly ManifestSecret[];
}

/**
 * @param variables What `$NAME` in the directory means; `HOME` is what `~` means.
 * @throws {TypeError} If the agent has no id: the control plane does not know it.
 */
export function readManifest(wire: WireManifest, variables: Variables): ManifestReading {
  const agentId = uuidText(wire.agentId);
  if (agentId === undefined) throw new TypeError("Cannot use the manifest: it has no agent id");
  return {
    manifest: Object.freeze({
      agentId,
      agentName: wire.agentName,
      workspaceId: uuidText(wire.workspaceId) ?? "",
      workspaceName: wire.workspaceName,
      ownerName: wire.ownerUsername,
      directory: expandPath(wire.directory, variables),
      motdPath: wire.motdPath,
      portProxyUri: wire.vsCodePortProxyUri,
      gitAuthConfigs: wire.gitAuthConfigs,
      isSubAgent: wire.parentId !== undefined,
      ...(wire.parentId !== undefined && { parentId: uuidText(wire.parentId) }),
      environment: { ...wire.environmentVariables },
      scripts: wire.scripts.map((script) => ({
        id: uuidText(script.id) ?? "",
        logSourceId: uuidText(script.logSourceId) ?? "",
        logPath: script.logPath,
        script: script.script,
        cron: script.cron,
        runOnStart: script.runOnStart,
        runOnStop: script.runOnStop,
        timeoutMs: milliseconds(script.timeout),
        displayName: script.displayName,
      })),
      metadata: wire.metadata.map((item) => ({
        key: item.key,
        displayName: item.displayName,
        script: item.script,
        intervalSeconds: secondsInNanoseconds(item.interval),
        timeoutSeconds: secondsInNanoseconds(item.timeout),
      })),
      apps: wire.apps.map((app) => ({
        id: uuidText(app.id) ?? "",
        slug: app.slug,
        displayName: app.displayName,
        health: APP_HEALTH[app.health] ?? "unspecified",
        healthcheck: {
          url: app.healthcheck?.url ?? "",
          intervalMs: milliseconds(app.healthcheck?.interval),
          threshold: app.healthcheck?.threshold ?? 0,
        },
      })),
    }),
    secrets: wire.secrets.map(({ envName, filePath, value }) => ({ envName, filePath, value })),
  };
}

const APP_HEALTH: Readonly<Partial<Record<WorkspaceApp_Health, ManifestAppHealth>>> = {
  [WorkspaceApp_Health.DISABLED]: "disabled",
  [WorkspaceApp_Health.INITIALIZING]: "initializing",
  [WorkspaceApp_Health.HEALTHY]: "healthy",
  [WorkspaceApp_Health.UNHEALTHY]: "unhealthy",
};

function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** Coder's control plane writes the seconds of metadata items into the nanoseconds: 10 s arrives as 10 ns. */
function secondsInNanoseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1e9 + duration.nanos;
}
