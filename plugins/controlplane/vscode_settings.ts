/**
 * Tells the editors of VS Code's family to leave git's questions to `GIT_ASKPASS`: otherwise they answer by themselves, with accounts the
 * control plane knows nothing of.
 *
 * @module
 */
import { join } from "@std/path";

import { JsoncSyntaxError, parseJsonc } from "../../core/config/jsonc_document.ts";
import { messageOf } from "../../core/errors.ts";
import type { Logger, Variables } from "../../core/plugin.ts";
import { replaceFile } from "../../core/replace_file.ts";

/** Both are `true` by default. */
const SETTINGS: Readonly<Record<string, boolean>> = {
  "git.useIntegratedAskPass": false,
  "github.gitAuthentication": false,
};
/** Directories of editors' servers in the home directory. */
const SERVERS = [".vscode-server", ".vscode-insiders-server", ".cursor-server", ".windsurf-server", ".vscodium-server"];

/**
 * Writes the settings into each editor's file, made when it is missing: directories 0700, files 0600. What people wrote stays. A file that
 * cannot be changed is a warning.
 *
 * @param variables `HOME` says where the files are; without it nothing is written. `XDG_DATA_HOME` moves code-server's.
 */
export async function writeVsCodeSettings(variables: Variables, log: Logger): Promise<void> {
  const { HOME: home, XDG_DATA_HOME: dataHome } = variables;
  if (!home) return log.warn("editor settings not written", { reason: "the home directory is not known" });
  const directories = [
    join(dataHome || join(home, ".local/share"), "code-server/Machine"),
    ...SERVERS.map((server) => join(home, server, "data/Machine")),
  ];
  for (const path of directories.map((directory) => join(directory, "settings.json"))) {
    try {
      await change(path);
    } catch (error) {
      log.warn("editor settings not written", { path, reason: messageOf(error) });
    }
  }
}

async function change(path: string): Promise<void> {
  const present = await readIfThere(path);
  const next = withSettings(present ?? "{}");
  if (next === present) return;
  // Renamed into place: a full disk must not cost somebody their settings.
  await replaceFile(path, next);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * The text with both settings in it; itself when they are there. Comments are kept: then the settings are put in front of the others.
 *
 * @throws {SyntaxError} When the text is no object, or has another value for a setting among comments, which is somebody's decision.
 */
export function withSettings(text: string): string {
  const value = parse(text.trim() === "" ? "{}" : text);
  const missing = Object.entries(SETTINGS).filter(([key, wanted]) => value[key] !== wanted);
  if (missing.length === 0) return text;
  if (isPlainJson(text)) return JSON.stringify({ ...value, ...SETTINGS }, null, "\t");
  const decided = missing.find(([key]) => Object.hasOwn(value, key));
  if (decided !== undefined) throw new SyntaxError(`"${decided[0]}" is set by somebody, among comments`);
  const brace = text.search(/(?<=^(?:\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)*)\{/) + 1;
  const lines = missing.map(([key, wanted]) => `\n\t${JSON.stringify(key)}: ${wanted},`);
  return text.slice(0, brace) + lines.join("") + text.slice(brace);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const { value } = parseJsonc(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof JsoncSyntaxError)) throw error;
    throw new SyntaxError(`It is no JSON: ${error.message}`);
  }
  throw new SyntaxError("It is no JSON object");
}

function isPlainJson(text: string): boolean {
  if (text.trim() === "") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // Comments, or commas at ends.
  }
}
