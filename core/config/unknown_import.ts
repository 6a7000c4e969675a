/**
 * Why a plugin's import means nothing here, though it does in the plugin's own folder. An imported plugin runs in this
 * process, for which Deno has read one `deno.json`: that of the agent's checkout, of the folder it was started in, or of
 * `--config`.
 *
 * @module
 */
import { dirname } from "@std/path";

import { projectAround } from "./surrounding_project.ts";

/** How Deno says that it does not know a name, in this version and in older ones. */
const UNKNOWN = /^(?:Import|Relative import path) "([^"]+)" not [^]*?(?:from "|\bat )(file:[^"\s]+)/m;

/**
 * What is wrong and what to do about an import that Deno does not know; `undefined` when the message is about something else.
 *
 * @param message Deno's, for the import of `file`.
 * @param file Absolute path of the plugin's file.
 */
export function unknownImport(message: string, file: string): string | undefined {
  const [, name, importer] = UNKNOWN.exec(message) ?? [];
  if (name === undefined || importer === undefined) return undefined;
  const place = /\bat (file:\S+:\d+:\d+)/.exec(message)?.[1] ?? importer;
  const what = `"${name}" is imported at ${place}, and `;
  const project = projectAround(dirname(file));
  if (project === undefined) {
    return `${what}no "deno.json" says what that is: write one beside the plugin, with "imports"`;
  }
  if (!Object.keys(project.imports).some((each) => each === name || isBelow(name, each))) {
    return `${what}"${project.file}" does not say what that is: add it under "imports"`;
  }
  const attached = `run the plugin as a program of its own, with "attached": true`;
  return Deno.build.standalone
    ? `${what}"${project.file}" says what that is, which a binary does not read: build the plugin in, or ${attached}`
    : `${what}"${project.file}" says what that is, which this Deno has not read: ` +
      `start the agent with "deno run --config ${project.file} …", or ${attached}`;
}

function isBelow(name: string, prefix: string): boolean {
  return name.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
