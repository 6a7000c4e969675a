/**
 * Where an error comes from, for authors who look for the line.
 *
 * @module
 */

/** The host's own code: an error that it throws for a plugin comes from where the plugin called it. */
const HOST = new URL("./", import.meta.url).href;
/** One place of a stack, with line and column. */
const PLACE = /(?:file|https?):\/\/[^\s()]+:\d+:\d+/g;
/** Code of packages is not where one looks first. */
const PACKAGE = /\/node_modules\/|\/npm\/registry\./;
/** Longest chain of causes that is searched. */
const MAX_CAUSES = 20;

/** The first place in the stack of the innermost cause that is neither the host's nor a package's; `undefined` when there is none. */
export function thrownAt(error: unknown): string | undefined {
  const stacks: string[] = [];
  for (let each = error; each instanceof Error && stacks.length < MAX_CAUSES; each = each.cause) {
    stacks.unshift(each.stack ?? "");
  }
  for (const stack of stacks) {
    const found = (stack.match(PLACE) ?? []).find((place) => !place.startsWith(HOST) && !PACKAGE.test(place));
    if (found !== undefined) return decodeURI(found).replace(/^file:\/\//, "");
  }
  return undefined;
}
