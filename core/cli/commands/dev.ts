/**
 * `outpost dev`.
 *
 * @module
 */
import { resolve } from "@std/path";

import { runDevSession } from "../../attached/dev_session.ts";
import { folderOfPlugin, notForDeno } from "../../config/deno_file.ts";
import { openTextSink } from "../../log.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { loadConfig } from "../load_config.ts";

/** Attaches a plugin's file to an agent of its own until a signal ends it. */
export async function dev(ctx: CoreCommandContext): Promise<number> {
  const file = resolve(ctx.cwd, ctx.flags.words[0]!);
  const folder = folderOfPlugin(file, ctx.flags.words[0]!);
  if (folder !== undefined) throw new Error(`Cannot develop it: ${folder}`);
  if (!(await Deno.stat(file).catch(() => undefined))?.isFile) {
    throw new Error(`Cannot find the plugin's file "${file}": ${ctx.program.invocation} new plugin NAME writes one`);
  }
  const unfit = notForDeno(file);
  if (unfit !== undefined) throw new Error(`Cannot develop it: ${unfit} in a configuration`);
  const format = await openTextSink("pretty", {
    writeSync: (bytes) => Deno.stderr.writeSync(bytes),
    isTerminal: () => Deno.stderr.isTerminal(),
  });
  await runDevSession({
    ...{ file, config: loadConfig(ctx), env: ctx.env, signal: ctx.signal, out: (text) => ctx.out(text) },
    logSink: (record) => {
      // The agent's own steps are told by their results; states are what an author wants to see of it.
      if (record.level !== "debug" || record.rawMessage === "plugin state") format(record);
    },
  });
  return EXIT.done;
}
