/**
 * How ssh starts this program.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

import type { InvocationFacts } from "../../../core/cli/invocation.ts";

/** The program and its first arguments, found from every directory. */
export function programWords({ isCompiled, executable, mainModule }: InvocationFacts): readonly string[] {
  if (isCompiled) return [executable];
  return [executable, "run", "-q", "-A", mainModule.startsWith("file:") ? fromFileUrl(mainModule) : mainModule];
}

/** One line for `ProxyCommand`: ssh gives it to the user's shell, after it has put values in the place of `%`. */
export function proxyCommand(words: readonly string[]): string {
  return words.map(quoted).join(" ").replaceAll("%", "%%");
}

function quoted(word: string): string {
  return /^[\w@+=:,./%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
