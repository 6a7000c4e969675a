/**
 * Settings of the agent itself: the `agent` section of the configuration.
 *
 * @module
 */
import { z } from "zod";

import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "../log.ts";
import type { ResourceLimits } from "../plugin.ts";
import { resourceLimits } from "./resource_limits.ts";
import { type Secret, secretString } from "./secret.ts";

/** The `agent` section with every default filled in. */
export interface AgentSettings {
  /** Where the HTTP front listens; `null` closes a road. */
  readonly listen: {
    /** `HOST:PORT`; port 0 picks a free one. */
    readonly tcp: string | null;
    /** Absolute path of the Unix socket. */
    readonly unix: string | null;
    /** Absolute path of the agent socket, where plugins serve protobuf services; made when one does. */
    readonly agentSocket: string | null;
  };
  /** How the control plane is reached. Without an address the agent runs on its own. */
  readonly controlPlane: {
    /** `https:` or `http:` address. Absent: `CODER_AGENT_URL`. */
    readonly url?: string;
    /** Absent: the content of `tokenFile`, then `CODER_AGENT_TOKEN`, then the file `CODER_AGENT_TOKEN_FILE` names. */
    readonly token?: Secret;
    /** Read before each attempt to connect. */
    readonly tokenFile?: string;
    /** Sent with each attempt to connect. */
    readonly headers: Readonly<Record<string, string>>;
    /** Line for `sh -c`, run before each attempt; each line it prints, `NAME=VALUE`, is one more header. */
    readonly headerCommand?: string;
    /** Whether the control plane may use the agent's HTTP API over the same connection, if it knows how. */
    readonly tunnel: boolean;
  };
  /** Working directory of processes that name none. Absent: the home directory. */
  readonly directory?: string;
  /** What holds for every command that the agent starts. */
  readonly exec: {
    /** Nice value. Absent: as `CODER_PROC_NICE_SCORE` says, else the agent's own. */
    readonly nice?: number;
    /** OOM score adjustment. Absent: as `CODER_PROC_OOM_SCORE` says, else the agent's own. */
    readonly oomScore?: number;
    /** What each command may use with everything it starts. */
    readonly limits: ResourceLimits;
  };
  /** API token. Absent: {@linkcode AgentSettings.tokenFile}, or a random one per start. */
  readonly token?: Secret;
  /** File that holds the API token; written with mode 0600 when it does not exist. */
  readonly tokenFile?: string;
  /** Limits of the whole shutdown. */
  readonly shutdown: {
    /** Time for one plugin to finish what is in flight, in milliseconds. */
    readonly drainMs: number;
    /** Time for the whole shutdown, in milliseconds, before declared drain deadlines are added. */
    readonly totalMs: number;
  };
  /** Time for each step of one plugin's life, in milliseconds. */
  readonly deadlines: {
    readonly setupMs: number;
    readonly startMs: number;
    readonly readyMs: number;
    readonly stopMs: number;
  };
  /** Limits of the HTTP front, where a route does not set its own. */
  readonly http: {
    /** Largest request body, in bytes. */
    readonly maxBodyBytes: number;
    /** Bytes of the bodies of all requests worked on; a further one gets 429. */
    readonly maxTotalBodyBytes: number;
    /** Bytes waiting for the clients of all WebSockets; beyond them the one with most is closed with 1009. */
    readonly maxTotalQueuedBytes: number;
    /** Time until a handler must have answered, in milliseconds. */
    readonly handlerMs: number;
    /** Requests worked on at once; further ones get 429. */
    readonly maxConcurrentRequests: number;
    /** `Host` values accepted beside loopback, with or without a port. */
    readonly allowedHosts: readonly string[];
  };
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    /** `"auto"` is pretty on a terminal and JSON elsewhere. */
    readonly format: "auto" | LogFormat;
    /** Where lines go. Absent: standard error, in `format`. */
    readonly outputs?: readonly {
      /** `/dev/stderr`, `/dev/stdout`, or the path of a file, whose directory is made. */
      readonly to: string;
      readonly format: "auto" | LogFormat;
      /** Absent: the level above. */
      readonly level?: LogLevel;
      /** A file that would become longer is moved away first; 0: never. */
      readonly maxBytes: number;
      /** Files that were moved away and are kept. */
      readonly backups: number;
    }[];
  };
  /** Whether entries may name a file to import (`"from": "./plugin.ts"`). */
  readonly allowImport: boolean;
  /** Directory of script data; its `coder-script-data/bin` is put in front of `PATH`. Absent: the temporary directory. */
  readonly scriptDataDir?: string;
}

const path = z.string().min(1);

function milliseconds(fallback: number, what: string): z.ZodDefault<z.ZodNumber> {
  return z.number().int().min(1).max(86_400_000).default(fallback).describe(`${what}, in milliseconds.`);
}

const listen = z.strictObject({
  tcp: z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/, {
    error: "Expected HOST:PORT, such as 127.0.0.1:4280",
    abort: true,
  })
    .refine((address) => Number(address.slice(address.lastIndexOf(":") + 1)) <= 65_535, "Expected a port up to 65535")
    .nullable().default("127.0.0.1:0").describe(
      "HOST:PORT of the HTTP listener; port 0 picks a free one; null closes it.",
    ),
  unix: path.nullable().default(null).describe(
    'Path of the Unix socket; null closes it. The "outpost" command sets outpost/agent.sock in the runtime directory.',
  ),
  agentSocket: path.nullable().default(null).describe(
    'Path of the agent socket (dRPC); null closes it. The "outpost" command sets outpost/rpc.sock in the runtime directory.',
  ),
});

const controlPlane = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).optional().describe(
    "Address of the control plane; CODER_AGENT_URL when absent. Without either the agent runs on its own.",
  ),
  token: secretString().optional().describe("The agent's token at the control plane; CODER_AGENT_TOKEN when absent."),
  tokenFile: path.optional().describe("File that holds the token; read before each attempt to connect."),
  headers: z.record(z.string(), z.string()).default({}).describe("Headers sent with each attempt to connect."),
  headerCommand: z.string().min(1).optional().describe(
    "Line for sh -c, run before each attempt to connect; each line it prints, NAME=VALUE, is one more header.",
  ),
  tunnel: z.boolean().default(true).describe(
    "Lets the control plane use the agent's HTTP API over the same connection, if it knows how.",
  ),
});

const exec = z.strictObject({
  nice: z.number().int().min(-20).max(19).optional().describe(
    "Nice value of commands; CODER_PROC_NICE_SCORE when absent and CODER_PROC_PRIO_MGMT is set.",
  ),
  oomScore: z.number().int().min(-1000).max(1000).optional().describe(
    "OOM score adjustment of commands; CODER_PROC_OOM_SCORE when absent and CODER_PROC_PRIO_MGMT is set.",
  ),
  limits: resourceLimits.prefault({}).describe(
    "What each command may use with everything it starts; absent is unlimited.",
  ),
});

const shutdown = z.strictObject({
  drainMs: milliseconds(5_000, "Time for one plugin to finish what is in flight"),
  totalMs: milliseconds(15_000, "Time for the whole shutdown, before declared drain deadlines are added"),
});

const deadlines = z.strictObject({
  setupMs: milliseconds(10_000, "Time for the setup of one plugin"),
  startMs: milliseconds(10_000, "Time for the start hooks of one plugin together"),
  readyMs: milliseconds(5_000, "Time for the ready hooks of one plugin together"),
  stopMs: milliseconds(5_000, "Time for one plugin to release what it holds"),
});

const http = z.strictObject({
  // Room for the largest file a chat writes at once; uploads that stream raise it on their route.
  maxBodyBytes: z.number().int().min(1).default(16 * 1024 * 1024).describe("Largest request body, in bytes."),
  // Twice the largest one. What is made of a body is a multiple: about 4 times for one long text, 20 times for small objects.
  maxTotalBodyBytes: z.number().int().min(1).default(32 * 1024 * 1024).describe(
    "Bytes of the bodies of all requests worked on at once; further ones get 429. Uploads that stream do not count.",
  ),
  // Eight clients that do not read at all, each at its own limit.
  maxTotalQueuedBytes: z.number().int().min(1).default(64 * 1024 * 1024).describe(
    "Bytes waiting for the clients of all WebSockets; beyond them the one with most waiting is closed with 1009.",
  ),
  handlerMs: milliseconds(30_000, "Time until a handler must have answered"),
  // More than one workspace's tools ask for, and few enough that waiting requests cannot fill the memory.
  maxConcurrentRequests: z.number().int().min(1).default(256).describe(
    "Requests worked on at once; further ones get 429.",
  ),
  allowedHosts: z.array(z.string().min(1)).default([]).describe(
    "Host header values accepted beside loopback, such as outpost.example.org or 10.0.0.5:4280.",
  ),
});

const logFormat = z.enum(["auto", ...LOG_FORMATS]).default("auto").describe(
  'How lines look; "auto" is pretty on a terminal and json elsewhere.',
);

const logOutput = z.strictObject({
  to: path.describe("/dev/stderr, /dev/stdout, or the path of a file; its directory is made."),
  format: logFormat,
  level: z.enum(LOG_LEVELS).optional().describe("Lowest level that is written here; the log's own when absent."),
  maxBytes: z.number().int().min(0).default(5 * 1024 * 1024).describe(
    "A file that would become longer is moved away first, to NAME.1; 0: never.",
  ),
  backups: z.number().int().min(0).max(100).default(19).describe("Files that were moved away and are kept."),
});

const log = z.strictObject({
  level: z.enum(LOG_LEVELS).default("info").describe("Lowest level that is written."),
  format: logFormat,
  outputs: z.array(logOutput).optional().describe(
    "Where lines go; to standard error, in the format above, when absent.",
  ),
});

/** Strict schema of the `agent` section; every field is described and has a default or may be absent. */
export const agentSettings: z.ZodType<AgentSettings> = z.strictObject({
  listen: listen.prefault({}).describe("Where the HTTP front listens."),
  controlPlane: controlPlane.prefault({}).describe("How the control plane is reached."),
  exec: exec.prefault({}).describe("What holds for every command that the agent starts."),
  directory: path.optional().describe("Working directory of processes that name none; the home directory when absent."),
  token: secretString().optional().describe("API token; random per start when neither token nor tokenFile is set."),
  tokenFile: path.optional().describe("File that holds the API token; written with mode 0600 when it does not exist."),
  shutdown: shutdown.prefault({}).describe("Limits of the shutdown."),
  deadlines: deadlines.prefault({}).describe("Limits of each step of one plugin's life."),
  http: http.prefault({}).describe("Limits of the HTTP front, where a route does not set its own."),
  log: log.prefault({}).describe("What the agent writes to its log, and where."),
  allowImport: z.boolean().default(true).describe('Whether an entry may import a file: "from": "./plugin.ts".'),
  scriptDataDir: path.optional().describe("Directory of script data; the temporary directory when absent."),
});
