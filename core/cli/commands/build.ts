/**
 * `outpost build`.
 *
 * @module
 */
import { relative, resolve } from "@std/path";

import { ownSource, readSource } from "../../agent_source.ts";
import { build } from "../../build/build.ts";
import { BuildError } from "../../build/build_error.ts";
import { type BuildManifest, manifestOfConfig, readManifest } from "../../build/manifest.ts";
import { messageOf } from "../../errors.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";

/** Where a build is described, unless somebody says otherwise. */
const MANIFEST = "outpost.build.jsonc";

/** Builds the binary that a manifest or a configuration describes. */
export async function buildBinary(ctx: CoreCommandContext): Promise<number> {
  const { flags, cwd, env, out, err } = ctx;
  const manifest = await manifestFor(ctx);
  const agent = flags.text("agent") ?? manifest.agent;
  try {
    const outputs = await build({
      manifest,
      env,
      source: agent === undefined
        ? ownSource()
        : sourceOf(agent, flags.text("agent") === undefined ? manifest : { cwd }),
      // A compiled agent carries no compiler.
      deno: Deno.build.standalone ? "deno" : Deno.execPath(),
      say: (line) => out(`${line}\n`),
      reportOnly: flags.has("report-only"),
    });
    for (const output of outputs) await out(`${relative(cwd, output)}\n`);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    await err(`${error.message}\n`);
    return EXIT.failed;
  }
}

function sourceOf(agent: string, from: BuildManifest | { readonly cwd: string }) {
  try {
    return readSource(agent, "cwd" in from ? from.cwd : resolve(from.file, ".."));
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

async function manifestFor({ flags, cwd }: CoreCommandContext): Promise<BuildManifest> {
  const config = flags.text("from-config");
  if (config !== undefined && flags.words.length > 0) {
    throw new UsageError("A build follows a manifest or a configuration, not both: leave one out");
  }
  const file = resolve(cwd, config ?? flags.words[0] ?? MANIFEST);
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    const hint = config === undefined ? `: write one, or use --from-config FILE` : "";
    throw new UsageError(`Cannot read "${relative(cwd, file)}" (${messageOf(error)})${hint}`);
  }
  return config === undefined ? readManifest(file, text, { agent: flags.text("agent") }) : manifestOfConfig(file, text);
}
