/**
 * Which files Deno runs, by their names.
 *
 * @module
 */

/** What is wrong with `path` as the file of a plugin that Deno runs; `undefined` when nothing is. */
export function notForDeno(path: string): string | undefined {
  if (/\.[cm]?[jt]sx?$/.test(path)) return undefined;
  return `"${path}" is no TypeScript or JavaScript: a plugin in another language is a program, "from": "exec:${path}"`;
}
