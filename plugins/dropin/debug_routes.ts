/**
 * What the debug listener answers: the end of the log, and the manifest without the values of its variables.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Manifest } from "../controlplane/service.ts";

/** Bytes of the log that are shown: the last ones, of which people ask. */
const LOG_BYTES = 10 * 1024 * 1024;
/** Stands for a value that may be secret. */
const REDACTED = "***REDACTED***";

/** Answers `/debug/logs` and `/debug/manifest`; everything else is not found. */
export function debugRoutes(
  present: () => Manifest | undefined,
  logFile: string,
): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    const { pathname } = new URL(url);
    if (method === "GET" && pathname === "/debug/logs") return await logs(logFile);
    if (method === "GET" && pathname === "/debug/manifest") return manifest(present());
    return text(404, "404 not found");
  };
}

async function logs(path: string): Promise<Response> {
  if (path === "") return text(500, "No log file is written");
  try {
    const file = await Deno.open(path, { read: true });
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - LOG_BYTES), Deno.SeekMode.Start);
    return new Response(file.readable, { headers: { "content-type": "text/plain; charset=utf-8" } });
  } catch (error) {
    return text(500, `The log file cannot be read: ${messageOf(error)}`);
  }
}

function manifest(present: Manifest | undefined): Response {
  if (present === undefined) return text(500, "No manifest has come yet");
  return Response.json({
    ...(present.parentId !== undefined && { parent_id: present.parentId }),
    agent_id: present.agentId,
    agent_name: present.agentName,
    owner_name: present.ownerName,
    workspace_id: present.workspaceId,
    workspace_name: present.workspaceName,
    git_auth_configs: present.gitAuthConfigs,
    vscode_port_proxy_uri: present.portProxyUri,
    environment_variables: Object.fromEntries(
      Object.entries(present.environment).map(([name, value]) => [name, value === "" ? "" : REDACTED]),
    ),
    directory: present.directory,
    motd_file: present.motdPath,
    apps: present.apps.map(({ id, slug, displayName, healthcheck }) => ({
      ...{ id, slug, display_name: displayName },
      healthcheck: {
        url: healthcheck.url,
        interval: healthcheck.intervalMs / 1000,
        threshold: healthcheck.threshold,
      },
    })),
    metadata: present.metadata.map(({ key, displayName, script, intervalSeconds, timeoutSeconds }) => ({
      ...{ key, display_name: displayName, script },
      ...{ interval: intervalSeconds, timeout: timeoutSeconds },
    })),
    scripts: present.scripts.map((each) => ({
      ...{ id: each.id, log_source_id: each.logSourceId, log_path: each.logPath, script: each.script, cron: each.cron },
      ...{ run_on_start: each.runOnStart, run_on_stop: each.runOnStop, display_name: each.displayName },
      timeout: each.timeoutMs / 1000,
    })),
  });
}

function text(status: number, body: string): Response {
  return new Response(`${body}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
