/**
 * What an attached program registers, brought into its context: routes, limits, metrics, announcements.
 *
 * @module
 */
import { dirname } from "@std/path";

import type { Context } from "hono";

import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { prefixOf } from "../metrics/hub.ts";
import type { Needs, PluginContext, RouteLimits } from "../plugin.ts";
import { roadOf } from "../road.ts";
import { infoOf } from "../socket/unix_path.ts";
import type { Conversation } from "./conversation.ts";
import { relabel } from "./foreign_metrics.ts";
import { LostSocket } from "./lost_socket.ts";
import { ProgramHttp } from "./program_http.ts";
import type { Said } from "./protocol.ts";

/** Time for one read of the program's metrics, in milliseconds: a little less than the agent gives the plugin. */
const METRICS_MS = 1500;
/** Longest message of a WebSocket between agent and program, in bytes. The program's own limit is what its clients meet. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Bytes of a WebSocket that may wait for its client. */
const MAX_QUEUED_BYTES = 2 * MAX_MESSAGE_BYTES;
const ROUTE = /^([A-Z]+) (\/\S*)$/;

/** What the agent knows and the manifest has to fit. */
export interface ManifestFrame {
  /** Where the program's socket has to be. */
  readonly directory: string;
  /** What the entry says the plugin mounts. */
  readonly mount: string | readonly string[];
}

/**
 * Registers what the manifest says.
 *
 * @returns The program's HTTP side, if it has one; released with the context.
 * @throws {AttachedPluginError} When the manifest does not fit; the program was told.
 */
export async function joinManifest(
  ctx: PluginContext<Readonly<Record<string, unknown>>, Needs>,
  conversation: Conversation,
  manifest: Said<"manifest">,
  frame: ManifestFrame,
): Promise<ProgramHttp | undefined> {
  const reason = await refusalOf(manifest, frame);
  if (reason !== undefined) await conversation.refuse(reason);
  if (manifest.announce !== undefined) ctx.announce(manifest.announce);
  if (manifest.http === undefined) return undefined;
  const http = ctx.defer(new ProgramHttp(ctx.plugin.id, manifest.http, new LostSocket(manifest.http, conversation)));
  addRoutes(ctx, http, manifest);
  try {
    if (manifest.metrics !== undefined) addMetrics(ctx, http, manifest.metrics);
  } catch (error) {
    await conversation.refuse(messageOf(error));
  }
  return http;
}

async function refusalOf(manifest: Said<"manifest">, { directory, mount }: ManifestFrame): Promise<string | undefined> {
  const { http, routes = [], mount: wanted = mount } = manifest;
  if (JSON.stringify([wanted].flat()) !== JSON.stringify([mount].flat())) {
    return `it mounts ${JSON.stringify(wanted)}, but its entry says ${JSON.stringify(mount)}: add "mount": ${
      JSON.stringify(wanted)
    } to the entry`;
  }
  const wrong = routes.find((route) => !ROUTE.test(route));
  if (wrong !== undefined) return `its route "${wrong}" is none: expected a method and a path, such as "GET /status"`;
  if (http === undefined) {
    return routes.length > 0 || manifest.metrics !== undefined
      ? 'it has routes or metrics, but no "http" socket to ask for them'
      : undefined;
  }
  // Any other socket would let a confined program speak through the agent to whatever listens there.
  if (dirname(http) !== directory) return `its "http" socket "${http}" is not in "${directory}", where it has to be`;
  const found = await infoOf(http);
  return found?.isSocket ? undefined : `its "http" socket "${http}" ${found ? "is no socket" : "does not exist"}`;
}

function addRoutes(
  { routes }: PluginContext<Readonly<Record<string, unknown>>, Needs>,
  http: ProgramHttp,
  manifest: Said<"manifest">,
): void {
  for (const { path, maxBodyBytes, handlerMs } of manifest.limits ?? []) {
    routes.limit(path, { ...limit("maxBodyBytes", maxBodyBytes), ...limit("handlerMs", handlerMs) });
  }
  const answer = (c: Context) => http.answer(c);
  for (const route of manifest.routes ?? ["ALL /", "ALL /*"]) {
    const [, method = "ALL", path = "/"] = ROUTE.exec(route)!;
    if (method !== "GET" && method !== "ALL") {
      routes.app.on(method, path, answer);
      continue;
    }
    // An upgrade is a GET; the one that follows below is registered by webSocket().
    routes.app.on(method, path, (c, next) => isUpgrade(c) ? next() : answer(c));
    routes.webSocket(path, (c) => http.upgrade(c, MAX_MESSAGE_BYTES), {
      maxMessageBytes: MAX_MESSAGE_BYTES,
      maxQueuedBytes: MAX_QUEUED_BYTES,
    });
  }
}

function isUpgrade(c: Context): boolean {
  return c.req.method === "GET" && c.req.header("upgrade")?.toLowerCase() === "websocket";
}

function limit(name: keyof RouteLimits, value: number | null | undefined): RouteLimits {
  return value === undefined ? {} : { [name]: value ?? Infinity };
}

function addMetrics(
  ctx: PluginContext<Readonly<Record<string, unknown>>, Needs>,
  http: ProgramHttp,
  { path, exact = [] }: NonNullable<Said<"manifest">["metrics"]>,
): void {
  const road = roadOf(ctx);
  const owned = new Set(exact);
  for (const name of exact) road.claimMetric(name);
  const owns = (name: string): boolean => {
    if (owned.has(name)) return true;
    try {
      road.claimMetric(name);
      owned.add(name);
      return true;
    } catch {
      return false; // Another plugin's; its own series stay true.
    }
  };
  const prefix = prefixOf(ctx.plugin.id);
  road.addMetrics(async () => {
    const text = await new Deadline(ctx.clock, METRICS_MS).run(
      "reading its metrics",
      (cut) => http.metrics(path, AbortSignal.any([cut, ctx.signal])),
    );
    return relabel(text, { prefix, exact: new Set(exact), owns });
  });
}
