/**
 * `${env:NAME}` and `${file:PATH}`: the only substitutions, and only for whole values.
 *
 * @module
 */
import { isAbsolute, resolve } from "@std/path";

import { messageOf } from "../errors.ts";
import type { ConfigProblem } from "../errors.ts";
import type { Variables } from "../plugin.ts";
import { isPlainObject, type Origin } from "./layers.ts";
import { dotted } from "./jsonc_document.ts";

/** What {@linkcode substitute} needs from the outside. */
export interface SubstitutionSources {
  readonly env: Variables;
  /** @throws {Error} If the file cannot be read. */
  readTextFile(path: string): string;
  /** Who gave the value; relative files start from its directory. */
  originOf(path: readonly PropertyKey[]): Origin | undefined;
}
/** Values after substitution, and what could not be substituted. */
export interface Substituted {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Dotted paths whose value came from outside the configuration. */
  readonly opened: ReadonlySet<string>;
}

const WHOLE = /^\$\{(env|file):([^{}]+)\}$/;
const ANYWHERE = /\$\{(env|file):/;

/**
 * Replaces every `${env:NAME}` and `${file:PATH}` in `value`, which stands at the path `at`. One newline at the end of a file's text is dropped, as
 * secrets written by editors and `echo` end in one. The result is always a string.
 */
export function substitute(value: unknown, at: readonly string[], sources: SubstitutionSources): Substituted {
  const problems: ConfigProblem[] = [];
  const opened = new Set<string>();
  return { value: walk(value, at), problems, opened };

  function walk(inner: unknown, path: readonly string[]): unknown {
    if (typeof inner === "string") return text(inner, path);
    if (Array.isArray(inner)) return inner.map((item, index) => walk(item, [...path, String(index)]));
    if (!isPlainObject(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, walk(item, [...path, key])]));
  }

  function text(written: string, path: readonly string[]): unknown {
    const match = WHOLE.exec(written);
    if (match === null) {
      if (ANYWHERE.test(written)) {
        problem(path, "the value mixes text and a substitution: only whole values are substituted");
      }
      return written;
    }
    const [, kind, name] = match;
    const result = kind === "env" ? variable(name!, path) : file(name!, path);
    if (result !== undefined) opened.add(dotted(path));
    return result;
  }

  function variable(name: string, path: readonly string[]): string | undefined {
    const found = sources.env[name];
    if (found === undefined) problem(path, `the environment variable "${name}" is not set`);
    return found;
  }

  function file(name: string, path: readonly string[]): string | undefined {
    const baseDir = sources.originOf(path)?.baseDir;
    const target = isAbsolute(name) || baseDir === undefined ? name : resolve(baseDir, name);
    try {
      return sources.readTextFile(target).replace(/\r?\n$/, "");
    } catch (error) {
      problem(path, `cannot read the file "${target}": ${messageOf(error)}`);
      return undefined;
    }
  }

  function problem(path: readonly string[], message: string): void {
    problems.push({ path: dotted(path), message, source: sources.originOf(path)?.source });
  }
}
