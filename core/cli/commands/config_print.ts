/**
 * `outpost config print`.
 *
 * @module
 */
import { importPlugins } from "../../config/imported_plugin.ts";
import { printedValues } from "../../config/print_config.ts";
import { readDefinition } from "../../definition.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { loadConfig } from "../load_config.ts";

/** Prints every value in force with its origin, masked. */
export async function configPrint(ctx: CoreCommandContext): Promise<number> {
  const { program, flags, out } = ctx;
  const config = loadConfig(ctx);
  const imported = (await importPlugins(config)).plugins.map(({ plugin }) => plugin);
  const definitions = [...program.plugins, ...imported].flatMap((plugin) => readDefinition(plugin).definition ?? []);
  const values = printedValues(config, definitions);
  if (flags.has("json")) {
    await out(`${JSON.stringify(values, null, 2)}\n`);
    return EXIT.done;
  }
  const lines = values.map(({ path, value, origin }) => `${path} = ${JSON.stringify(value)}  // ${origin}\n`);
  await out(lines.join(""));
  return EXIT.done;
}
