/**
 * `outpost version`.
 *
 * @module
 */
import { AGENT_VERSION } from "../../load_plan.ts";
import { CONTRACT_MAJOR } from "../../plugin.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";

/** Prints name and version, and with `--json` what they are made of. */
export async function version({ program, flags, out }: CoreCommandContext): Promise<number> {
  const { name, version } = program.build;
  if (!flags.has("json")) {
    await out(`${name} ${version}\n`);
    return EXIT.done;
  }
  const facts = {
    name,
    version,
    agent: AGENT_VERSION,
    contract: CONTRACT_MAJOR,
    deno: Deno.version.deno,
    os: Deno.build.os,
    arch: Deno.build.arch,
    compiled: Deno.build.standalone,
  };
  await out(`${JSON.stringify(facts)}\n`);
  return EXIT.done;
}
