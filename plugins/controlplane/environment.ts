/**
 * What the control plane adds to the environment of children.
 *
 * @module
 */
import type { Variables } from "../../core/plugin.ts";
import { expandVariables } from "../../core/expand_path.ts";
import type { ManifestReading } from "./manifest.ts";

/** Variables every child in the workspace can rely on; programs of Coder's world look for them. */
export function builtInVariables({ manifest }: ManifestReading): Record<string, string> {
  return {
    CODER: "true",
    CODER_WORKSPACE_NAME: manifest.workspaceName,
    CODER_WORKSPACE_AGENT_NAME: manifest.agentName,
    CODER_WORKSPACE_OWNER_NAME: manifest.ownerName,
    CODER_WORKSPACE_ID: manifest.workspaceId,
    CS_DISABLE_GETTING_STARTED_OVERRIDE: "true",
    ...(manifest.portProxyUri !== "" && { VSCODE_PROXY_URI: manifest.portProxyUri }),
  };
}

/** Variables of the manifest; `$NAME` in a value means the agent's own variable. */
export function manifestVariables({ manifest }: ManifestReading, own: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(manifest.environment).map(([name, value]) => [name, expandVariables(value, own)]),
  );
}

/** Secrets with a name; their values are taken as they are. */
export function secretVariables({ secrets }: ManifestReading): Record<string, string> {
  const decoder = new TextDecoder();
  return Object.fromEntries(
    secrets.filter(({ envName }) => envName !== "").map(({ envName, value }) => [envName, decoder.decode(value)]),
  );
}
