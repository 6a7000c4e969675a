/**
 * Descriptions of the agent's own routes. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import { LOGS_QUERY } from "./core_routes.ts";
import type { RouteDescription } from "./route_description.ts";

const PLUGIN_STATE = z.string().describe("State of the plugin's life, such as `running` or `failed`.");

const INFO = z.object({
  name: z.string(),
  version: z.string(),
  api: z.string().describe("Version of the API, part of every path."),
  plugins: z.array(
    z.object({
      id: z.string(),
      version: z.string(),
      stability: z.enum(["experimental", "beta", "stable", "deprecated"]),
      state: PLUGIN_STATE,
      reason: z.string().optional().describe("Why it is in this state."),
      mounts: z.array(z.string()).describe("Prefixes of its routes."),
      setup_ms: z.number().optional().describe("Time its set-up took."),
      start_ms: z.number().optional().describe("Time its start took."),
    }).meta({ id: "PluginInfo" }),
  ),
  capabilities: z.array(z.string()).describe("Features a client may rely on."),
  limits: z.record(z.string(), z.record(z.string(), z.unknown())).describe("Limits in force, by plugin."),
}).meta({ id: "AgentInfo" });

const STATUS = z.object({
  name: z.string(),
  version: z.string(),
  pid: z.number().int(),
  started_at: z.string().describe("RFC 3339 time."),
  uptime_seconds: z.number(),
  memory_bytes: z.number().int().describe("Resident memory of the agent's process."),
  ready: z.boolean().describe("Whether the start is complete and no stop was asked for."),
  addresses: z.record(z.string(), z.string()).describe("Where the agent and its plugins listen, by name."),
  control_plane: z.object({
    state: z.enum(["off", "connecting", "connected", "waiting", "stopped"]).describe("`off`: none is configured."),
    version: z.string().optional().describe("Version of the agent API, while connected."),
    last_error: z.string().optional().describe("Why the last attempt or connection ended."),
  }),
  plugins: z.array(z.object({ id: z.string(), state: PLUGIN_STATE, reason: z.string().optional() })),
}).meta({ id: "AgentStatus" });

const READINESS = z.object({ status: z.enum(["ready", "not ready"]), plugins: z.record(z.string(), PLUGIN_STATE) })
  .meta({ id: "Readiness" });
const MESSAGE = z.object({ message: z.string() }).meta({ id: "Message" });

const RELOAD = z.object({
  plugins: z.array(
    z.object({
      id: z.string(),
      action: z.enum(["untouched", "policy", "reconfigured", "restarted", "started", "stopped"])
        .describe("`policy`: only what its failure means changed; `reconfigured`: in place, nothing it holds ended."),
      because: z.string().optional().describe("Why it was touched."),
      state: PLUGIN_STATE.optional().describe("State now; absent when the configuration does not name it any more."),
      ended: z.array(z.string()).optional().describe("Processes that ended with its old life."),
      unfinished: z.array(z.string()).optional()
        .describe("What its old life did not end in time; it may still be at it, beside the new one."),
    }).meta({ id: "ReloadedPlugin" }),
  ),
  agent: z.array(
    z.object({ path: z.string(), in_force: z.boolean().describe("`false`: it waits for the next start.") })
      .meta({ id: "ReloadedSetting" }),
  ).describe("Settings of the agent that are written differently."),
}).meta({ id: "ReloadReport" });

/** Every route of the agent itself. */
export const coreApi: readonly RouteDescription[] = [
  {
    operation: "greeting",
    method: "get",
    path: "/",
    summary: "Says that the agent runs; browsers get a page.",
    answers: { 200: { summary: "It runs.", schema: MESSAGE } },
  },
  {
    operation: "health",
    method: "get",
    path: "/healthz",
    summary: "Says that the agent is alive, whatever its plugins do.",
    isOpen: true,
    answers: { 200: { summary: "It is alive.", schema: z.object({ status: z.literal("ok") }).meta({ id: "Health" }) } },
  },
  {
    operation: "readiness",
    method: "get",
    path: "/readyz",
    summary: "Says whether every plugin has started.",
    answers: {
      200: { summary: "The start is complete.", schema: READINESS },
      503: { summary: "The agent starts or stops.", schema: READINESS },
    },
  },
  ...["/metrics", "/debug/prometheus"].map((path): RouteDescription => ({
    operation: path === "/metrics" ? "metrics" : "debug.metrics",
    method: "get",
    path,
    summary: "Metrics of the agent and its plugins.",
    answers: { 200: { summary: "Prometheus' text exposition.", mediaType: "text/plain" } },
  })),
  {
    operation: "info",
    method: "get",
    path: "/api/v0/info",
    summary: "Tells version, plugins, capabilities and limits.",
    answers: { 200: { summary: "As things are now.", schema: INFO } },
  },
  {
    operation: "status",
    method: "get",
    path: "/api/v0/status",
    summary: "Tells how the agent's process and its plugins are.",
    answers: { 200: { summary: "As things are now.", schema: STATUS } },
  },
  {
    operation: "logs",
    method: "get",
    path: "/api/v0/logs",
    summary: "The latest lines of the log, and on request those that follow.",
    query: LOGS_QUERY,
    answers: { 200: { summary: "One JSON object per line.", mediaType: "application/x-ndjson" } },
  },
  {
    operation: "openapi",
    method: "get",
    path: "/api/v0/openapi.json",
    summary: "This document.",
    answers: { 200: { summary: "Routes of the plugins that serve now.", mediaType: "application/json" } },
  },
  {
    operation: "reload",
    method: "post",
    path: "/api/v0/reload",
    summary: "Reads the configuration again and goes to it without an end of the agent.",
    query: {
      force: {
        type: "text",
        summary: "`true` lets processes end that plugins with a new life hold; else that is refused.",
      },
    },
    answers: {
      200: {
        summary: "What happened to each plugin, and which settings of the agent wait for its next start.",
        schema: RELOAD,
      },
      409: { summary: "It would end processes, or there is nothing to read; nothing was changed." },
      422: { summary: "The configuration has problems, each named; nothing was changed." },
      500: { summary: "A plugin did not take its part; the configuration before is in force again." },
    },
  },
  {
    operation: "auth.link",
    method: "post",
    path: "/api/v0/auth/link",
    summary: "Makes a link that signs one browser in.",
    answers: {
      200: {
        summary: "The link works once, until it expires.",
        schema: z.object({ url: z.string(), expires_at: z.string().describe("RFC 3339 time.") }).meta({ id: "Link" }),
      },
      401: { summary: "A browser session cannot make links." },
      409: { summary: "The agent has no address a browser can open." },
    },
  },
  {
    operation: "auth.redeem",
    method: "get",
    path: "/auth/:code",
    summary: "Exchanges a link for a session.",
    isOpen: true,
    parameters: { code: "From the link." },
    answers: {
      303: {
        summary: "Signed in.",
        headers: { "set-cookie": "The session.", location: "The greeting page." },
      },
      410: { summary: "The link was used or has expired." },
    },
  },
];
