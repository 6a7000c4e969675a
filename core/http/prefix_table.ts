/**
 * Which plugin answers for which first segment under `/api/v0`.
 *
 * @module
 */
import { HttpProblem } from "../errors.ts";
import type { PluginRoutes } from "./plugin_routes.ts";

/** Prefix of every plugin route. */
export const API_PREFIX = "/api/v0";

/** The answer for a plugin that is not running. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly status: 403 | 404 | 503;
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Routes of a plugin that drains; those with `whileDraining` are still answered. */
  readonly routes?: PluginRoutes;
}
/** What requests to a plugin get. */
export type MountAnswer = { readonly kind: "serving"; readonly routes: PluginRoutes } | Unavailable;

/** One plugin's place. Setting {@linkcode Mount.answer} takes effect with the next request. */
export interface Mount {
  readonly plugin: string;
  /** First segments under `/api/v0`. */
  readonly segments: readonly string[];
  answer: MountAnswer;
  /** Gives the segments back. */
  remove(): void;
}

/** Before the driver says anything else. */
const STARTING: Unavailable = {
  kind: "unavailable",
  status: 503,
  code: "plugin_starting",
  message: "The plugin is being started",
  retryAfterSeconds: 1,
};

/** First segments and the mounts that own them. */
export class PrefixTable {
  readonly #mounts = new Map<string, Mount>();
  readonly #reserved: ReadonlySet<string>;

  /** @param reserved Segments of the core itself. */
  constructor(reserved: readonly string[]) {
    this.#reserved = new Set(reserved);
  }

  /** @throws {RangeError} When a segment is taken or is not a plain path segment. */
  claim(plugin: string, claimed: string | readonly string[]): Mount {
    const segments = typeof claimed === "string" ? [claimed] : [...claimed];
    for (const segment of segments) {
      const owner = this.#reserved.has(segment) ? "core" : this.#mounts.get(segment)?.plugin;
      if (owner) throw new RangeError(`Cannot mount plugin "${plugin}": "${segment}" belongs to "${owner}"`);
      if (!/^[\w.~-]+$/.test(segment)) {
        throw new RangeError(`Cannot mount plugin "${plugin}": "${segment}" is not a path segment`);
      }
    }
    const mounts = this.#mounts;
    const mount: Mount = {
      plugin,
      segments,
      answer: { ...STARTING, message: `Plugin "${plugin}" is being started` },
      remove() {
        for (const segment of segments) if (mounts.get(segment) === mount) mounts.delete(segment);
      },
    };
    for (const segment of segments) mounts.set(segment, mount);
    return mount;
  }

  /** The mount a path belongs to; `undefined` for the core's own paths and for what nobody claims. */
  find(path: string): Mount | undefined {
    if (!path.startsWith(`${API_PREFIX}/`)) return undefined;
    const start = API_PREFIX.length + 1;
    const end = path.indexOf("/", start);
    return this.#mounts.get(end < 0 ? path.slice(start) : path.slice(start, end));
  }
}

/** The problem that an unavailable plugin answers with. */
export function unavailableProblem(answer: Unavailable): HttpProblem {
  return new HttpProblem(answer.status, answer.message, {
    code: answer.code,
    detail: answer.detail,
    ...(answer.retryAfterSeconds !== undefined && { headers: { "retry-after": String(answer.retryAfterSeconds) } }),
  });
}
