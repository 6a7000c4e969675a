/**
 * Flags of one command, parsed strictly.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

import { suggestion } from "../config/suggestion.ts";

/** One flag of a command. */
export interface FlagSpec {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is called in the help, such as `PATH`; absent for flags that are on or off. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly isList?: boolean;
  /** What it means without a value; then only `--name=value` gives one. */
  readonly bare?: string;
  /** Whether its value may be empty. */
  readonly mayBeEmpty?: boolean;
  /** Values it may have; absent when anything goes. */
  readonly choices?: readonly string[];
  /** One sentence for the help. */
  readonly summary: string;
}
/** Flags and words as they were given. */
export interface ParsedFlags {
  /** The value of a flag, or `undefined` when it was not given. */
  text(name: string): string | undefined;
  /** Every value of a flag that may be repeated. */
  list(name: string): readonly string[];
  /** Whether an on-or-off flag was given. */
  has(name: string): boolean;
  /** Words that are not flags; everything after `--` is here too. */
  readonly words: readonly string[];
}

/** What was typed cannot be understood. Ends the process with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Options of {@linkcode parseFlags}. */
export interface ParseFlagsOptions {
  /** The command's name, for messages. */
  readonly command: string;
  readonly flags: readonly FlagSpec[];
  /** Fewest and most words. `Infinity` makes the first word end the flags, as commands that run commands need. */
  readonly words: readonly [min: number, max: number];
  /** What follows the command, for who left it out. */
  readonly usage?: string;
}

/** @throws {UsageError} If a flag is unknown or lacks its value, or the number of words is wrong. */
export function parseFlags(args: readonly string[], options: ParseFlagsOptions): ParsedFlags {
  const { command, flags } = options;
  const unknown: string[] = [];
  const parsed = parseArgs(withBareValues(args, flags), {
    string: ["_", ...flags.filter((flag) => flag.value !== undefined).map((flag) => flag.name)],
    boolean: flags.filter((flag) => flag.value === undefined).map((flag) => flag.name),
    // All are collected, so that a flag given twice by mistake is noticed.
    collect: flags.filter((flag) => flag.value !== undefined).map((flag) => flag.name),
    stopEarly: options.words[1] === Infinity,
    "--": true,
    unknown: (argument, key) => {
      if (key === undefined) return true;
      unknown.push(argument.split("=", 1)[0]!);
      return false;
    },
  });
  for (const flag of unknown) {
    const near = suggestion(flag, flags.map(({ name }) => `--${name}`));
    throw new UsageError(`Unknown flag "${flag}" of "${command}"${near}`);
  }
  for (const flag of flags) checkFlag(flag, (parsed[flag.name] ?? []) as readonly string[] | boolean);
  const words = [...parsed._, ...parsed["--"] ?? []].map(String);
  checkWords(words, options);
  const list = (name: string) => (parsed[name] ?? []) as readonly string[];
  return { text: (name) => list(name).at(-1), list, has: (name) => parsed[name] === true, words };
}

/** Writes `--name=value` for flags that may stand alone, and for values that are empty: the parser would see neither. */
function withBareValues(args: readonly string[], flags: readonly FlagSpec[]): readonly string[] {
  const named = new Map<string, FlagSpec>(flags.map((flag) => [`--${flag.name}`, flag]));
  const end = args.indexOf("--");
  const written: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    const flag = end < 0 || index < end ? named.get(arg) : undefined;
    if (flag?.bare !== undefined) written.push(`${arg}=${flag.bare}`);
    else if (flag?.mayBeEmpty && args[index + 1] === "") written.push(`${arg}=${args[++index]}`);
    else written.push(arg);
  }
  return written;
}

function checkFlag(flag: FlagSpec, given: readonly string[] | boolean): void {
  if (typeof given === "boolean") return;
  if (given.includes("") && !flag.mayBeEmpty) {
    throw new UsageError(`The flag "--${flag.name}" needs a value: --${flag.name} ${flag.value}`);
  }
  if (given.length > 1 && !flag.isList) throw new UsageError(`The flag "--${flag.name}" is given twice`);
  const wrong = given.find((value) => flag.choices !== undefined && !flag.choices.includes(value));
  if (wrong !== undefined) {
    throw new UsageError(`The flag "--${flag.name}" is one of ${flag.choices!.join(", ")}, got "${wrong}"`);
  }
}

function checkWords(words: readonly string[], { command, usage, words: [min, max] }: ParseFlagsOptions): void {
  if (words.length < min) {
    throw new UsageError(`Something is missing after "${command}"${usage ? `: ${usage}` : ""} (see: help ${command})`);
  }
  if (words.length > max) throw new UsageError(`Cannot understand "${words[max]}" after "${command}"`);
}
