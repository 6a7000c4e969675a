/**
 * Layers of configuration, merged so that each value remembers who gave it.
 *
 * @module
 */
import { dotted } from "./jsonc_document.ts";

/** One giver of values. A later layer wins; objects are merged, everything else replaces. */
export interface Layer {
  readonly value: unknown;
  /** Who gave the value at a dotted path: a file with line and column, `--set`, an environment variable's name. */
  readonly source: string | ((path: string) => string);
  /** Absolute directory that relative paths in this layer start from. */
  readonly baseDir: string;
}
/** Who gave one value. */
export interface Origin {
  readonly source: string;
  readonly baseDir: string;
}
/** Layers put together. */
export interface Merged {
  readonly value: unknown;
  /** The giver of the value at a path, or of the nearest value around it. */
  originOf(path: readonly PropertyKey[]): Origin | undefined;
  /** The giver of the value at exactly this dotted path. */
  givenAt(path: string): Origin | undefined;
}

/** Something written with braces: neither an array nor an instance of a class. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** Whether `value` is written with braces. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Puts layers together, first to last. The result shares no object with them. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const origins = new Map<string, Origin>();
  let value: unknown;
  for (const layer of layers) {
    value = lay(layer.value, value, [], (path) => {
      const key = dotted(path);
      const source = typeof layer.source === "string" ? layer.source : layer.source(key);
      origins.set(key, { source, baseDir: layer.baseDir });
    });
  }
  return {
    value,
    givenAt: (path) => origins.get(path),
    originOf(path) {
      for (let length = path.length; length >= 0; length--) {
        const origin = origins.get(dotted(path.slice(0, length)));
        if (origin !== undefined) return origin;
      }
      return undefined;
    },
  };
}

function lay(
  above: unknown,
  below: unknown,
  path: readonly string[],
  note: (path: readonly string[]) => void,
): unknown {
  if (above === undefined) return below;
  note(path);
  if (Array.isArray(above)) return above.map((item, index) => lay(item, undefined, [...path, String(index)], note));
  if (!isPlainObject(above)) return above;
  // Object.fromEntries defines members instead of assigning them, so that "__proto__" stays an ordinary, unknown key.
  const members = new Map(isPlainObject(below) ? Object.entries(below) : []);
  for (const [key, value] of Object.entries(above)) {
    const merged = lay(value, members.get(key), [...path, key], note);
    if (merged !== undefined) members.set(key, merged);
  }
  return Object.fromEntries(members);
}

/** What `--set` was given: a path and a value. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Reads `a.b.c=value`. The value is JSON when it parses as JSON and a string otherwise, so that `8`, `true`, `null` and
 * `["a"]` mean what they look like and words need no quotes.
 *
 * @throws {SyntaxError} If there is no `=` or a part of the path is empty.
 */
export function parseSetting(text: string): Setting {
  const equals = text.indexOf("=");
  if (equals < 0) throw new SyntaxError(`Cannot read "${text}": expected PATH=VALUE, such as agent.log.level=debug`);
  const path = text.slice(0, equals).split(".");
  if (path.includes("")) throw new SyntaxError(`Cannot read "${text}": the path has an empty part`);
  return { path, value: jsonOrText(text.slice(equals + 1)) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // not JSON: a plain word, which is the usual case
  }
}

/** The smallest object that holds `value` at `path`. */
export function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value);
}
