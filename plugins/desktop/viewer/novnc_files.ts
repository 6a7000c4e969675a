/**
 * Where noVNC's files are: they are served to browsers, and not loaded here.
 *
 * @module
 */
import * as modules from "node:module"; // As a whole: older runtimes lack what is used of it.
import { pathToFileURL } from "node:url";

/** What may be asked for: the package's scripts, without a way out of its folder. */
const SCRIPT = /^(?:[\w-]+\/)*[\w-]+\.js$/;

/** Reads one of noVNC's scripts; `undefined` when there is none of that name. */
export async function readNoVncScript(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!SCRIPT.test(path)) return undefined;
  try {
    return await Deno.readFile(new URL(path, noVncFolder()));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The package's only export is `core/rfb.js`. Some runtimes resolve it to a file, others tell where its manifest is. */
function noVncFolder(): URL {
  const entry = import.meta.resolve("@novnc/novnc");
  if (entry.startsWith("file:")) return new URL("../", entry);
  const manifest = modules.findPackageJSON?.("@novnc/novnc", import.meta.url);
  if (manifest === undefined) throw new Error("The package @novnc/novnc was not found");
  return new URL("./", pathToFileURL(manifest));
}

/** Never called: the import puts the package into binaries. It would need a browser. */
export function loadNoVnc(): Promise<unknown> {
  return import("@novnc/novnc");
}
