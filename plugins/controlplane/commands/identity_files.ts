/**
 * The keys ssh would try by itself. Naming one more with `-i` makes it forget its default ones, so all have to be named.
 *
 * @module
 */
import { join } from "@std/path";

import type { CommandContext } from "../../../core/plugin.ts";

/** Default keys of OpenSSH's `ssh`, in its order: ssh_config(5), IdentityFile. Used when ssh cannot tell (`-G`, since 6.8). */
const DEFAULT_KEYS = ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk"].map((kind) => `~/.ssh/id_${kind}`);

/** Paths of the user's keys for this host that exist, in the order ssh would try them. */
export async function identityFiles(
  ctx: Pick<CommandContext, "run" | "env">,
  args: readonly string[],
): Promise<readonly string[]> {
  const { exitCode, output } = await ctx.run(["ssh", "-G", ...args], { io: "capture" });
  const named = [...output.matchAll(/^identityfile (.+)$/gm)].map(([, path = ""]) => path);
  const paths = (exitCode === 0 ? named : DEFAULT_KEYS)
    .map((path) => path.startsWith("~/") ? join(ctx.env.HOME ?? "/", path.slice(2)) : path);
  const found = await Promise.all(paths.map(isFile));
  return paths.filter((_, index) => found[index]);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false; // Missing or not to be read: ssh could not use it either.
  }
}
