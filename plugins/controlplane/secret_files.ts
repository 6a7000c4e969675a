/**
 * Writes the files that secrets of the manifest belong into.
 *
 * @module
 */
import { dirname, isAbsolute, normalize } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { ManifestSecret } from "./manifest.ts";

/**
 * Parents are made with mode 0700, new files with 0600; an existing file keeps its mode. What goes wrong is a warning: one
 * secret must not keep the others away. Of two secrets for one path the later one wins.
 *
 * @param home What `~/` means; empty when it is not known.
 */
export async function writeSecretFiles(secrets: readonly ManifestSecret[], home: string, log: Logger): Promise<void> {
  const written = new Set<string>();
  for (const { filePath, value } of secrets) {
    if (filePath === "") continue;
    const path = resolveHome(filePath, home);
    if (path === undefined) {
      log.warn("secret file skipped", {
        path: filePath,
        reason: "the home directory is not known, or the path is relative",
      });
      continue;
    }
    if (written.has(path)) log.warn("two secrets have one path; the later one wins", { path });
    written.add(path);
    try {
      await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // Not `Deno.writeFile`: it changes the mode of a file that is there.
      using file = await Deno.open(path, { create: true, write: true, truncate: true, mode: 0o600 });
      await writeAll(file, value);
    } catch (error) {
      log.warn("secret file not written", { path, error: messageOf(error) });
    }
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

function resolveHome(path: string, home: string): string | undefined {
  const resolved = path.startsWith("~/") ? (home === "" ? undefined : `${home}${path.slice(1)}`) : path;
  return resolved !== undefined && isAbsolute(resolved) ? normalize(resolved) : undefined;
}
