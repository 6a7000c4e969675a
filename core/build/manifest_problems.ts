/**
 * What reads well in a manifest or a configuration, and cannot be built all the same: misspelt plugins, files that are missing.
 *
 * @module
 */
import { resolve } from "@std/path";

import { readSource } from "../agent_source.ts";
import { notAFile, notForDeno } from "../config/deno_file.ts";
import { isPlainObject } from "../config/layers.ts";
import { STANDARD_PLUGINS } from "../config/standard_plugins.ts";
import { nearestName } from "../config/suggestion.ts";
import { messageOf } from "../errors.ts";

/**
 * Path and message of each item of a manifest, also of one that has other problems.
 *
 * @param value The manifest as it was parsed. Its relative paths start at the option `directory`; its agent is not looked at
 * when the option `agent` names another one.
 */
export function wrongItems(
  value: unknown,
  { directory, agent: named }: { readonly directory: string; readonly agent?: string },
): readonly [path: string, message: string][] {
  if (!isPlainObject(value)) return [];
  const list = (items: unknown) => Array.isArray(items) ? items as readonly unknown[] : [];
  const plugins = list(value.plugins).flatMap((item, index): [string, string][] => {
    const from = isPlainObject(item) ? item.import : item;
    const message = typeof from === "string" ? wrongPlugin(from, directory) : undefined;
    return message === undefined ? [] : [[`plugins.${index}`, message]];
  });
  const targets = list(value.targets).flatMap((target, index, all): [string, string][] =>
    all.indexOf(target) === index ? [] : [[`targets.${index}`, `"${target}" is listed twice: keep one`]]
  );
  const agent = named === undefined && typeof value.agent === "string" && value.agent !== ""
    ? wrongAgent(value.agent, directory)
    : undefined;
  return [...plugins, ...targets, ...(agent === undefined ? [] : [["agent", agent] as [string, string]])];
}

function wrongAgent(agent: string, directory: string): string | undefined {
  try {
    readSource(agent, directory);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether a manifest means a path by this, and no package. */
export function isPath(written: string): boolean {
  return /^\.{0,2}\//.test(written);
}

function wrongPlugin(from: string, directory: string): string | undefined {
  const id = /^standard\/(.+)$/.exec(from)?.[1];
  if (id !== undefined && !STANDARD_PLUGINS.includes(id)) {
    const near = nearestName(id, STANDARD_PLUGINS);
    const advice = near === undefined ? `there are ${STANDARD_PLUGINS.join(", ")}` : `did you mean "${near}"?`;
    return `no standard plugin is called "${id}": ${advice}`;
  }
  if (id === undefined && STANDARD_PLUGINS.includes(from)) return `expected "standard/${from}", or a path or a package`;
  return isPath(from) ? wrongFile(resolve(directory, from), from) : undefined;
}

/** What is wrong with the file of a plugin, at an absolute path; `undefined` when nothing is. */
export function wrongFile(path: string, written: string): string | undefined {
  const message = notAFile(path, written);
  if (message !== undefined || notForDeno(path) === undefined) return message;
  return `"${path}" is no TypeScript or JavaScript: a binary holds only those, and a configuration attaches others`;
}

/** What is wrong with the name of a plugin that no standard one has. */
export function unknownPlugin(id: string): string {
  const near = nearestName(id, STANDARD_PLUGINS);
  const advice = near === undefined ? 'a plugin of your own needs "from"' : `did you mean "${near}"?`;
  return `unknown plugin "${id}": ${advice}`;
}
