/**
 * The manifest of an agent, made from its definition.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";

import {
  type Manifest,
  ManifestSchema,
  WorkspaceApp_Health,
  WorkspaceApp_SharingLevel,
} from "../../core/proto/gen/agent_pb.ts";
import type { AgentDefinition, AppDefinition, ScriptDefinition } from "./agents_file.ts";
import { derivedUuid, uuidBytes } from "./uuid.ts";

const SHARING = {
  owner: WorkspaceApp_SharingLevel.OWNER,
  authenticated: WorkspaceApp_SharingLevel.AUTHENTICATED,
  organization: WorkspaceApp_SharingLevel.ORGANIZATION,
  public: WorkspaceApp_SharingLevel.PUBLIC,
} as const;

/** Makes the message an agent gets for `GetManifest`. */
export function manifestOf(agent: AgentDefinition): Manifest {
  return create(ManifestSchema, {
    agentId: uuidBytes(agent.id),
    agentName: agent.name,
    ownerUsername: agent.owner,
    workspaceId: uuidBytes(agent.workspaceId),
    workspaceName: agent.workspace,
    directory: agent.directory,
    motdPath: agent.motdPath,
    gitAuthConfigs: agent.gitAuthConfigs,
    vsCodePortProxyUri: agent.vsCodePortProxyUri,
    environmentVariables: agent.environment,
    secrets: agent.secrets.map(({ env, file, value }) => ({
      envName: env,
      filePath: file,
      value: new TextEncoder().encode(value),
    })),
    scripts: agent.scripts.map((script) => scriptOf(agent, script)),
    apps: agent.apps.map(appOf),
    // No relays. Agents that build a network expect the map to be there.
    derpMap: {},
    metadata: agent.metadata.map(({ key, displayName, script, intervalSeconds, timeoutSeconds }) => ({
      key,
      displayName: displayName || key,
      script,
      // The protocol counts the seconds of these two in the place of nanoseconds.
      interval: { nanos: intervalSeconds },
      timeout: { nanos: timeoutSeconds },
    })),
  });
}

/** The log source of a script: agents name it with each line the script writes. */
export function logSourceOf(agent: AgentDefinition, script: ScriptDefinition): string {
  return derivedUuid("log source", agent.id, script.id);
}

function scriptOf(agent: AgentDefinition, script: ScriptDefinition) {
  return {
    id: uuidBytes(script.id),
    logSourceId: uuidBytes(logSourceOf(agent, script)),
    displayName: script.name,
    logPath: script.logPath,
    script: script.script,
    cron: script.cron,
    runOnStart: script.runOnStart,
    runOnStop: script.runOnStop,
    startBlocksLogin: script.startBlocksLogin,
    timeout: { seconds: BigInt(script.timeoutSeconds) },
  };
}

function appOf(app: AppDefinition) {
  const { healthcheck: check } = app;
  return {
    id: uuidBytes(app.id),
    slug: app.slug,
    displayName: app.displayName || app.slug,
    url: app.url,
    command: app.command,
    icon: app.icon,
    external: app.external,
    hidden: app.hidden,
    subdomain: app.subdomain,
    sharingLevel: SHARING[app.sharing],
    // Agents refuse an app without this message, so it is there also when nothing is checked.
    healthcheck: check === undefined
      ? {}
      : { url: check.url, interval: { seconds: BigInt(check.intervalSeconds) }, threshold: check.threshold },
    health: check === undefined ? WorkspaceApp_Health.DISABLED : WorkspaceApp_Health.INITIALIZING,
  };
}
