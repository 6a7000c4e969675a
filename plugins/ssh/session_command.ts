/**
 * What a session executes.
 *
 * @module
 */
import { shellWords } from "./shell_words.ts";

/** A program and its arguments. */
export type CommandWords = readonly [string, ...string[]];

/**
 * The words for `text` in the user's shell.
 *
 * No text: a login shell. A text that starts with `#!` is a script: the first line names its interpreter, which gets the
 * whole text after `-c`. Everything else is one argument of `shell -c`.
 */
export function sessionCommand(shell: string, text: string): CommandWords {
  if (text === "") return [shell, "-l"];
  if (!text.trimStart().startsWith("#!")) return [shell, "-c", text];
  const [line = ""] = text.trimStart().slice(2).split("\n", 1);
  const [interpreter, ...args] = shellWords(line);
  return interpreter === undefined ? [shell, "-c", text] : [interpreter, ...args, "-c", text];
}
