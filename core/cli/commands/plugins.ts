/**
 * `outpost plugins`.
 *
 * @module
 */
import { OutpostClient } from "../../../client/mod.ts";
import { STANDARD_PLUGINS } from "../../config/standard_plugins.ts";
import { suggestion } from "../../config/suggestion.ts";
import { AgentNotFoundError } from "../../errors.ts";
import { loadPlan } from "../../load_plan.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";
import { loadConfig } from "../load_config.ts";
import { explainPlugin, type PluginOverview, pluginOverview, type ReportedPlugin } from "../plugin_overview.ts";
import { alignColumns } from "../text_table.ts";

/** Lists plugins, or explains one. */
export async function plugins(ctx: CoreCommandContext): Promise<number> {
  const { program, flags, out } = ctx;
  const { plan } = await loadPlan({ plugins: program.plugins, config: loadConfig(ctx) });
  const overview = pluginOverview({
    listed: STANDARD_PLUGINS,
    builtIn: program.plugins.map((plugin) => plugin.id),
    plan: plan.plugins,
    reported: await reportedPlugins(ctx),
  });
  const why = flags.text("why");
  const chosen = why === undefined ? overview : [find(overview, why)];
  if (flags.has("json")) await out(`${JSON.stringify(chosen, null, 2)}\n`);
  else if (why === undefined) await out(table(overview));
  else await out(explainPlugin(chosen[0]!, overview));
  return EXIT.done;
}

async function reportedPlugins(ctx: CoreCommandContext): Promise<readonly ReportedPlugin[] | undefined> {
  try {
    return (await new OutpostClient(await ctx.agent()).info()).plugins;
  } catch (error) {
    if (error instanceof AgentNotFoundError) return undefined; // Then the plan is all there is to show.
    throw error;
  }
}

function find(overview: readonly PluginOverview[], id: string): PluginOverview {
  const plugin = overview.find((each) => each.id === id);
  if (plugin !== undefined) return plugin;
  throw new UsageError(`Unknown plugin "${id}"${suggestion(id, overview.map((each) => each.id))}`);
}

function table(overview: readonly PluginOverview[]): string {
  const rows = overview.map((plugin) => [
    plugin.id,
    plugin.version ?? "-",
    plugin.stability ?? "-",
    plugin.built_in ? "built in" : plugin.listed ? "not in this binary" : "imported",
    plugin.state,
    milliseconds(plugin.setup_ms),
    milliseconds(plugin.start_ms),
    plugin.reason ?? plugin.summary ?? "",
  ]);
  return alignColumns([["ID", "VERSION", "STABILITY", "WHERE", "STATE", "SETUP", "START", "ABOUT"], ...rows]);
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(1)} ms`;
}
