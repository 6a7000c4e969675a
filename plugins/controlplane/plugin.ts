/**
 * Wires the agent API of the control plane to services, the environment and the lifecycle.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";
import {
  type Awaitable,
  type Clock,
  definePlugin,
  type Plugin,
  type PluginContext,
  type Variables,
} from "../../core/plugin.ts";
import { gitCommands } from "./commands/mod.ts";
import { controlplaneConfig } from "./config.ts";
import { ConnectionQueue, UNHEARD } from "./connection_queue.ts";
import { builtInVariables, manifestVariables, secretVariables } from "./environment.ts";
import { gitEnvironment } from "./git_environment.ts";
import { LifecycleDriver } from "./lifecycle_driver.ts";
import type { ManifestReading } from "./manifest.ts";
import { addGitRoutes } from "./routes.ts";
import {
  type Banner,
  BannerFeed,
  ConnectionReports,
  LifecycleReports,
  type Manifest,
  ManifestFeed,
} from "./service.ts";

/** Speaks the agent API: what the workspace is told, and what it tells. */
const controlplane: Plugin = definePlugin({
  id: "controlplane",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Takes the manifest from the control plane and reports the agent's life to it.",
  config: controlplaneConfig,
  provides: [ManifestFeed, LifecycleReports, ConnectionReports, BannerFeed],
  permissions: { read: true, write: true },
  commands: gitCommands,
  setup(ctx) {
    const { config, clock, log } = ctx;
    const readings = new LatestValue<ManifestReading>();
    const manifests = new LatestValue<Manifest>();
    const banners = new LatestValue<readonly Banner[]>();
    const lifecycle = new LifecycleDriver({ clock, log, signal: ctx.signal });
    const connections = new ConnectionQueue({ clock, log, maxReports: config.maxConnectionReports });
    const shared = { ctx, readings, manifests, banners, lifecycle, connections };
    for (const value of [readings, manifests, banners, lifecycle.history.changes, connections.changes]) {
      ctx.defer(() => value.close());
    }

    ctx.provide(ManifestFeed, { watch: (signal) => manifests.watch(signal) });
    ctx.provide(BannerFeed, { watch: (signal) => banners.watch(signal) });
    ctx.provide(LifecycleReports, lifecycle);
    ctx.provide(ConnectionReports, ctx.rpc.isConfigured ? connections : UNHEARD);
    contributeVariables(ctx, config.exposeToken, () => readings.current);

    const stopping = new AbortController();
    addGitRoutes(ctx.routes, { rpc: ctx.rpc, signal: ctx.signal, stopping: stopping.signal });
    ctx.routes.describe(async () => (await import("./api.ts")).controlplaneApi);

    // The routines bring protobuf with them; an agent on its own never loads it.
    const routine = (name: RoutineName, until: "drain" | "stop") =>
      ctx.rpc.whileConnected(name, async (rpc, signal) => {
        const routines = await import("./routines.ts");
        await routines[name](rpc, signal, shared);
      }, { until });
    routine("handleManifest", "drain");
    routine("fetchBanners", "drain");
    routine("reportLifecycle", "stop");
    routine("reportConnections", "stop");

    if (config.reinit) {
      ctx.hooks.onReady(() =>
        ctx.tasks.run("await claim", async (signal) => {
          const { awaitClaim } = await import("./claims.ts");
          await awaitClaim(ctx, AbortSignal.any([signal, stopping.signal]));
        })
      );
    }
    ctx.hooks.onStopping((reason) => {
      stopping.abort(new Error(`the agent stops: ${reason}`));
      lifecycle.stopping();
    });
    ctx.hooks.onDrain(async (signal) => {
      await within(clock, config.stopWorkMs, signal, (limit) => lifecycle.end(limit));
      await within(clock, config.lastWordsMs, signal, (limit) => lifecycle.lastWords(limit));
    }, { deadlineMs: config.stopWorkMs + config.lastWordsMs + MARGIN_MS });
  },
});
export default controlplane;

/** What children find in their environment once the control plane has told of the workspace, layer by layer. */
function contributeVariables(
  ctx: Pick<PluginContext<unknown, Record<never, never>>, "defer" | "env" | "host" | "log" | "rpc">,
  exposeToken: boolean,
  current: () => ManifestReading | undefined,
): void {
  const git = gitEnvironment(ctx);
  function add(layer: string, variables: (reading: ManifestReading, own: Variables) => Awaitable<Variables>): void {
    ctx.env.contribute(layer, (_, own) => {
      const reading = current();
      return reading === undefined ? {} : variables(reading, own);
    });
  }
  add("core", async (reading) => ({
    ...builtInVariables(reading),
    ...git.ssh,
    ...(exposeToken && { CODER_AGENT_TOKEN: await ctx.rpc.token() }),
  }));
  add("manifest", manifestVariables);
  add("secrets", secretVariables);
  add("git", () => git.askpass());
}

/** Runs `work`, which ends at the latest when its signal aborts: after `ms`. */
async function within(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([parent, over.signal]);
  clock.sleep(ms, signal).then(() => over.abort(), () => {}); // The work was done before.
  await work(signal);
  over.abort();
}

type RoutineName = "handleManifest" | "fetchBanners" | "reportLifecycle" | "reportConnections";

/** Kept for what lies around the two waits of the drain, in milliseconds. */
const MARGIN_MS = 1000;
