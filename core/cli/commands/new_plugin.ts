/**
 * `outpost new plugin`.
 *
 * @module
 */
import { join, relative, resolve } from "@std/path";

import { type AgentSource, ownSource, projectSettings, readSource } from "../../agent_source.ts";
import { PLUGIN_ID } from "../../definition.ts";
import { messageOf } from "../../errors.ts";
import { pluginFiles } from "../../new_plugin/plugin_files.ts";
import { writeFailure } from "../../write_failure.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";

/** Writes the files of a new plugin. Files that are there already are never touched. */
export async function newPlugin({ flags, cwd, out, program }: CoreCommandContext): Promise<number> {
  const id = flags.words[0]!;
  if (!PLUGIN_ID.test(id)) {
    throw new UsageError(
      `"${id}" cannot be a plugin's id: expected 2 to 32 lower-case letters, digits or "-", starting with a letter` +
        nearId(id),
    );
  }
  if (program.plugins.some((plugin) => plugin.id === id)) {
    throw new UsageError(`"${id}" is a plugin of this agent already: choose another name`);
  }
  const directory = resolve(cwd, flags.text("dir") ?? id);
  const source = agentSource(flags.text("agent"), cwd);
  const project = projectSettings(source, directory);
  const files = pluginFiles({
    ...{ id, project },
    invocation: invocationFrom(directory, source, { own: program.invocation, hasProject: project !== undefined }),
  });
  await write(directory, files);
  const shown = relative(cwd, directory) || ".";
  const deno = denoOf(program.invocation);
  await out(
    `${shown}: ${Object.keys(files).sort().join(", ")}\n` +
      (files["deno.json"] === undefined
        ? `Try: ${deno} test -A ${shown}\n`
        : `Try: cd ${shown} && ${deno} task ok && ${deno} task start\n`),
  );
  return EXIT.done;
}

/** What was probably meant. */
function nearId(text: string): string {
  const id = text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "");
  return PLUGIN_ID.test(id) ? `, such as "${id}"` : "";
}

/** Deno as whoever called this has it: not everybody who has `npx` has it on the path. */
function denoOf(invocation: string): string {
  return /^(npx -y deno@\S+) /.exec(invocation)?.[1] ?? "deno";
}

/** What starts the agent from the plugin's folder; a task of another folder would not be found there. */
function invocationFrom(
  directory: string,
  source: AgentSource,
  { own, hasProject }: { readonly own: string; readonly hasProject: boolean },
): string {
  if (Deno.build.standalone) return own;
  if (source.kind === "package") return `deno run -A ${source.specifier}/main`;
  // Deno would read the deno.json beside the program's file, and know nothing of what the plugin imports.
  const config = hasProject ? "--config deno.json " : "";
  return `deno run -A ${config}${relative(directory, join(source.path, "main.ts"))}`;
}

function agentSource(named: string | undefined, cwd: string): AgentSource {
  try {
    return named === undefined ? ownSource() : readSource(named, cwd);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** @throws {UsageError} If one of the files is there. @throws {Error} If one cannot be written. Then none is there. */
async function write(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const name of Object.keys(files)) {
    const present = await Deno.lstat(join(directory, name)).then(() => true, () => false);
    if (present) throw new UsageError(`"${join(directory, name)}" is there already: choose another name or --dir`);
  }
  const written: string[] = [];
  try {
    await Deno.mkdir(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      written.push(path);
      await Deno.writeTextFile(path, text, { createNew: true });
    }
  } catch (error) {
    for (const path of written) await Deno.remove(path).catch(() => {}); // The last one may never have been made.
    throw writeFailure(written.at(-1) ?? directory, error);
  }
}
