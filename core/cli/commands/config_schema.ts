/**
 * `outpost config schema`.
 *
 * @module
 */
import { resolve } from "@std/path";

import { configSchema } from "../../config/config_schema.ts";
import { readDefinition } from "../../definition.ts";
import { replaceFile } from "../../replace_file.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";

/** Prints the JSON Schema of this binary's configuration, or writes it to a file. */
export async function printConfigSchema({ program, flags, cwd, out }: CoreCommandContext): Promise<number> {
  const definitions = program.plugins.flatMap((plugin) => readDefinition(plugin).definition ?? []);
  const text = `${JSON.stringify(configSchema(definitions), null, 2)}\n`;
  const [file] = flags.words;
  if (file === undefined) await out(text);
  else await replaceFile(resolve(cwd, file), text, { newFileMode: 0o644, directoryMode: 0o755 });
  return EXIT.done;
}
