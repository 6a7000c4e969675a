/**
 * `outpost config check`.
 *
 * @module
 */
import { loadPlan } from "../../load_plan.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { loadConfig } from "../load_config.ts";

/**
 * Does everything a start does before plugin code runs: reads, merges, imports, plans.
 *
 * @throws {ConfigError} With every problem.
 */
export async function configCheck(ctx: CoreCommandContext): Promise<number> {
  const { program, out } = ctx;
  const config = loadConfig(ctx);
  const { plan } = await loadPlan({ plugins: program.plugins, config });
  const count = (verdict: string) => plan.plugins.filter((planned) => planned.verdict === verdict).length;
  await out(
    `${config.file ?? "The built-in defaults"}: no problems; plugins: ${count("run")} to run, ` +
      `${count("disabled")} disabled, ${count("skipped")} skipped\n`,
  );
  return EXIT.done;
}
