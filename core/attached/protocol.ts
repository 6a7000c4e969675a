/**
 * The attached protocol, version 1: JSON objects, one a line, over a private Unix socket. `docs/attached_plugins.md` describes
 * it for people.
 *
 * @module
 */
import { z } from "zod";

import { LOG_LEVELS } from "../log.ts";
import type { LogFields, PluginPermissions } from "../plugin.ts";

/** Versions of the protocol that this agent speaks, oldest first. */
export const PROTOCOLS: readonly number[] = [1];
/** Longest line in either direction, in bytes: room for an environment or a schema, and a bound for garbage. */
export const MAX_LINE_BYTES: number = 1024 * 1024;

/** Variables that tell a program where to report. */
export const SOCKET_VARIABLE = "OUTPOST_PLUGIN_SOCKET";
/** The one-time token. */
export const TOKEN_VARIABLE = "OUTPOST_PLUGIN_TOKEN";
/** Versions of the protocol that the agent speaks, joined by commas. */
export const PROTOCOLS_VARIABLE = "OUTPOST_PLUGIN_PROTOCOLS";

/** Argument that makes a Deno file print its {@linkcode PluginDescription} and end. */
export const DESCRIBE_ARGUMENT = "--outpost-describe";

/** What a Deno file says about its plugin before it is given any permission. */
export interface PluginDescription {
  readonly id: string;
  readonly version: string;
  readonly summary: string;
  readonly mount?: string | readonly string[];
  readonly permissions?: PluginPermissions;
  /** What is wrong with the definition. */
  readonly problems: readonly string[];
}

/** Longest text taken from a program for a person to read, in characters. */
const MAX_TEXT = 8192;
const text = z.string().transform((value) => value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value);
const variables = z.record(z.string(), z.string());
/** JSON has no infinity; `null` says "no limit". */
const bound = z.number().min(0).nullable().optional();

const announcement = z.object({
  capabilities: z.array(z.string()).optional(),
  limits: z.record(z.string(), z.number()).optional(),
  addresses: variables.optional(),
});
/** What the plugin offers to programs that adapt to it. */
export type WireAnnouncement = z.infer<typeof announcement>;

/** What a program may say, by `type`. Members that are not listed are ignored, so that newer programs can say more. */
const SAID = {
  hello: z.object({
    protocols: z.array(z.number().int()).min(1),
    token: z.string(),
    id: z.string(),
    version: z.string(),
    api: z.number(),
    summary: text.optional(),
    /** JSON Schema of its settings. */
    config: z.record(z.string(), z.unknown()).optional(),
    /** Ids of services it cannot be without. */
    needs: z.array(z.string()).optional(),
  }),
  manifest: z.object({
    mount: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    /** Path of its HTTP socket, beside the agent's. */
    http: z.string().optional(),
    /** As `METHOD /path`, relative to its prefix. Absent: everything below the prefix. */
    routes: z.array(z.string()).max(1000).optional(),
    limits: z.array(z.object({ path: z.string(), maxBodyBytes: bound, handlerMs: bound })).max(1000).optional(),
    /** `GET` path on its HTTP socket where Prometheus text is, and full names it may use beside those with its prefix. */
    metrics: z.object({ path: z.string().startsWith("/"), exact: z.array(z.string()).max(1000).optional() }).optional(),
    drainMs: z.number().min(0).max(3_600_000).optional(),
    announce: announcement.optional(),
  }),
  ready: z.object({ announce: announcement.optional() }),
  /** It cannot go on. */
  failed: z.object({ message: text, retriable: z.boolean().optional() }),
  pong: z.object({ id: z.number() }),
  drained: z.object({}),
  log: z.object({
    level: z.enum(LOG_LEVELS).default("info"),
    message: text,
    fields: z.record(z.string(), z.json()).optional().transform((fields) => fields as LogFields | undefined),
  }),
  health: z.object({ status: z.enum(["ok", "degraded"]), reason: text.optional() }),
  error: z.object({ phase: z.string(), message: text.optional() }),
  "env.contribute": z.object({ name: z.string().min(1), variables: variables.optional() }),
  "env.variables": z.object({ id: z.number(), variables: variables.optional(), error: text.optional() }),
  "env.build": z.object({
    id: z.number(),
    layers: z.object({ base: variables.optional(), overrides: variables.optional() }).optional(),
  }),
  "rpc.call": z.object({ id: z.number(), method: z.string(), request: z.string() }),
} as const;

/** Types of messages a program may send. */
export type SaidType = keyof typeof SAID;
/** One message of a program. */
export type Said<T extends SaidType> = z.infer<(typeof SAID)[T]>;

/** A message as it travels: an object with a `type`. */
export interface WireMessage {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The other side broke the protocol: what it said cannot be understood. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Whether this version knows messages of this type. */
export function isKnown(type: string): type is SaidType {
  return Object.hasOwn(SAID, type);
}

/** Checks one message. @throws {ProtocolError} With what is wrong with it. */
export function readMessage<T extends SaidType>(type: T, message: unknown): Said<T> {
  const result = SAID[type].safeParse(message);
  if (result.success) return result.data as Said<T>;
  const [first] = result.error.issues;
  const path = first?.path.map(String).join(".");
  throw new ProtocolError(`its message "${type}" is wrong${path ? ` at "${path}"` : ""}: ${first?.message}`);
}

/** The newest version that both speak; `undefined` when there is none. */
export function commonProtocol(theirs: readonly number[], ours: readonly number[] = PROTOCOLS): number | undefined {
  const common = ours.filter((version) => theirs.includes(version));
  return common.length === 0 ? undefined : Math.max(...common);
}
