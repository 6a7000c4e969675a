/**
 * Which files Deno runs: by their names, and whether they are there.
 *
 * @module
 */
import { join } from "@std/path";

/** What is wrong with `path` as the file of a plugin that Deno runs; `undefined` when nothing is. */
export function notForDeno(path: string): string | undefined {
  if (/\.[cm]?[jt]sx?$/.test(path)) return undefined;
  return `"${path}" is no TypeScript or JavaScript: a plugin in another language is a program, "from": "exec:${path}"`;
}

/**
 * What is wrong with what lies at an absolute path, when a file is expected there; `undefined` when nothing is.
 *
 * @param written The path as people wrote it.
 */
export function notAFile(path: string, written: string = path): string | undefined {
  return statOf(path)?.isFile ? undefined : folderOfPlugin(path, written) ?? absentFile(path);
}

/** Says what to write in place of a folder; `undefined` when there is none at the absolute path. */
export function folderOfPlugin(path: string, written: string): string | undefined {
  if (!statOf(path)?.isDirectory) return undefined;
  const file = ["mod.ts", "plugin.ts"].find((name) => statOf(join(path, name))?.isFile) ?? "mod.ts";
  return `"${path}" is a folder: name the file in it, such as "${written.replace(/\/$/, "")}/${file}"`;
}

/** Says that nothing lies at an absolute path. */
export function absentFile(path: string): string {
  return `there is no file "${path}": correct the path, or put the file there`;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // Not there, or not to be seen: no file for us either way.
  }
}
