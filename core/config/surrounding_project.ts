/**
 * The `deno.json` that holds for a file.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { isPlainObject } from "./layers.ts";
import { parseJsonc } from "./jsonc_document.ts";

/** A `deno.json`, and what it says that names mean. */
export interface SurroundingProject {
  /** Absolute path. */
  readonly file: string;
  readonly imports: Readonly<Record<string, string>>;
}

/** The nearest one from the absolute path `directory` upwards; `undefined` when there is none that reads as settings. */
export function projectAround(directory: string): SurroundingProject | undefined {
  for (let at = directory;; at = dirname(at)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const file = join(at, name);
      const imports = importsIn(file);
      if (imports !== undefined) return { file, imports };
    }
    if (at === dirname(at)) return undefined;
  }
}

/** `undefined` when there is no such file, or none that can be read: Deno itself tells of that. */
function importsIn(file: string): Readonly<Record<string, string>> | undefined {
  try {
    const { value } = parseJsonc(Deno.readTextFileSync(file));
    const imports = isPlainObject(value) && isPlainObject(value.imports) ? value.imports : {};
    return imports as Readonly<Record<string, string>>;
  } catch {
    return undefined;
  }
}
