/**
 * The agent's plugins that talk to a control plane, and a control plane that answers everything, for tests of what goes wrong between them.
 *
 * @module
 */
import type { Plugin, ServiceImplementation } from "../../core/plugin.ts";
import type { Agent } from "../../core/proto/gen/agent_pb.ts";
import { uuidBytes } from "../../core/uuid.ts";
import agentfiles from "../../plugins/agentfiles/mod.ts";
import agentproc from "../../plugins/agentproc/mod.ts";
import controlplane from "../../plugins/controlplane/mod.ts";
import reporting from "../../plugins/reporting/mod.ts";
import scripts from "../../plugins/scripts/mod.ts";

/** What the agent proves itself with. */
export const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** Plugins that report, and those that must work without a control plane. */
export const PLUGINS: readonly Plugin[] = [controlplane, scripts, reporting, agentproc, agentfiles];

/** A script of a manifest. */
export function script(more: Record<string, unknown>): Record<string, unknown> {
  return {
    id: uuidBytes(crypto.randomUUID()),
    logSourceId: uuidBytes(crypto.randomUUID()),
    logPath: "/dev/null",
    ...more,
  };
}

type AgentService = ServiceImplementation<typeof Agent>;

/** Answers everything these plugins ask. */
export function serviceWith(manifest: Record<string, unknown> = {}, more: Partial<AgentService> = {}): AgentService {
  return {
    getManifest: () => ({ agentId: uuidBytes("01020304-0506-0708-090a-0b0c0d0e0f10"), ...manifest }),
    updateStartup: () => ({}),
    updateLifecycle: () => ({}),
    getAnnouncementBanners: () => ({}),
    updateStats: () => ({ reportInterval: { seconds: 30n } }),
    batchUpdateMetadata: () => ({}),
    batchCreateLogs: () => ({}),
    scriptCompleted: () => ({}),
    reportConnection: () => ({}),
    getResourcesMonitoringConfiguration: () => ({}),
    ...more,
  };
}

/** Gives scripts a directory for their data, and removes it. */
export async function withDataDir(test: (agent: { readonly scriptDataDir: string }) => Promise<void>): Promise<void> {
  const scriptDataDir = await Deno.makeTempDir();
  try {
    await test({ scriptDataDir });
  } finally {
    await Deno.remove(scriptDataDir, { recursive: true });
  }
}

/** Lets callbacks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
