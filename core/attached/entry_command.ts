/**
 * Which command line runs an attached plugin, and what it may see.
 *
 * @module
 */
import { hashOf } from "../config/imported_plugin.ts";
import { messageOf } from "../errors.ts";
import type { Needs, PluginContext } from "../plugin.ts";
import { roadOf } from "../road.ts";
import { AttachedPluginError } from "./attached_error.ts";
import type { ProgramCommand } from "./program_command.ts";
import type { ProgramEntry } from "./program_entry.ts";

/** @throws {AttachedPluginError} When the file is not the pinned one, or cannot be run. */
export async function commandOf(
  entry: ProgramEntry,
  ctx: Pick<PluginContext<unknown, Needs>, "env" | "log" | "clock" | "signal">,
): Promise<ProgramCommand> {
  const { from, attached: { runs, args, env, mount = entry.id } } = entry;
  await checkHash(entry);
  const all = await ctx.env.build();
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((name) => all[name] === undefined ? [] : [[name, all[name]]]));
  const prefix = [mount].flat();
  if (runs === "deno") {
    const { denoCommand } = await import("./deno_program.ts");
    return await denoCommand(entry, {
      ...{ named, prefix, searchPath: all.PATH ?? "", start: roadOf(ctx).spawn },
      ...{ log: ctx.log, clock: ctx.clock, signal: ctx.signal },
    });
  }
  return {
    program: from,
    argumentsFor: () => args,
    variables: named(env),
    access: { whole: true, visible: () => true },
    prefix,
  };
}

/** The program is read just before it is started: this protects against another version, not against who can write it. */
async function checkHash({ from, sha256 }: ProgramEntry): Promise<void> {
  if (sha256 === undefined) return;
  const found = await hashOf(from).catch((error) => {
    throw new AttachedPluginError(messageOf(error), { cause: error });
  });
  if (found === sha256) return;
  throw new AttachedPluginError(`refusing "${from}": its SHA-256 is ${found}, but the entry pins ${sha256}`, {
    retriable: false,
  });
}
