/**
 * Writes the files that secrets of the manifest belong into.
 *
 * @module
 */
import { isAbsolute, normalize } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import { replaceFile } from "../../core/replace_file.ts";
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
      await write(path, value);
    } catch (error) {
      log.warn("secret file not written", { path, error: messageOf(error) });
    }
  }
}

/**
 * What the system says where a file may be written and not replaced: its directory is somebody else's or read-only, or the file is
 * mounted there by itself, as containers do it.
 */
const NOT_REPLACEABLE: readonly string[] = ["EACCES", "EPERM", "EROFS", "EBUSY", "EXDEV"];

/** Half a secret, or none, is worse than the old one: it is replaced whole where the system lets us. */
async function write(path: string, value: Uint8Array): Promise<void> {
  try {
    await replaceFile(path, value);
  } catch (error) {
    if (!NOT_REPLACEABLE.includes((error as { readonly code?: string }).code ?? "")) throw error;
    // Not `Deno.writeFile`: it changes the mode of a file that is there.
    using file = await Deno.open(path, { write: true, truncate: true });
    await writeAll(file, value);
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

function resolveHome(path: string, home: string): string | undefined {
  const resolved = path.startsWith("~/") ? (home === "" ? undefined : `${home}${path.slice(1)}`) : path;
  return resolved !== undefined && isAbsolute(resolved) ? normalize(resolved) : undefined;
}
