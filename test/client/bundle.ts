/**
 * Bundles a module for platforms that do not read TypeScript.
 *
 * @module
 */
import { join } from "@std/path";

import { ROOT } from "../agent_process.ts";

/** Resolves to one module as JavaScript. `path` is relative to the root. */
export async function bundle(path: string, platform: "browser" | "deno" = "browser"): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--no-lock", "--platform", platform, join(ROOT, path)],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  if (code !== 0) throw new Error(`Cannot bundle ${path}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
