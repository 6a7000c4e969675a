/**
 * Settings of the MCP plugin.
 *
 * @module
 */
import { z } from "zod";

import { WORKSPACE_TOOL_NAMES } from "./tools/tool_names.ts";

/** Settings of the MCP plugin. */
export interface McpConfig {
  /** Most sessions at once; one more closes the session that was idle longest, or is refused when none is. */
  readonly maxSessions: number;
  /** Milliseconds without a request or an open stream after which a session is closed. */
  readonly idleMs: number;
  /** Largest message of a client, in bytes: the whole file of a `write_file` has to fit. */
  readonly maxMessageBytes: number;
  /** Bytes of messages kept per session for clients whose connection broke. */
  readonly replayBytes: number;
  /** Whether a cancelled `execute` kills its command. */
  readonly killOnCancel: boolean;
  /** Names of the only tools offered; `null`: all. A client can ask for fewer, never for more. */
  readonly allowedTools: readonly string[] | null;
}

const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Strict: an unknown key is an error with its path. */
export const mcpConfig: z.ZodType<McpConfig> = z.strictObject({
  maxSessions: z.number().int().min(1).default(64)
    .describe("Most sessions at once; one more closes the session that was idle longest, or is refused when none is."),
  idleMs: z.number().int().min(1000).default(HOUR_MS)
    .describe("Milliseconds without a request or an open stream after which a session is closed."),
  maxMessageBytes: z.number().int().min(1024).default(16 * MEBIBYTE)
    .describe("Largest message of a client, in bytes: the whole file of a write_file has to fit."),
  replayBytes: z.number().int().min(0).default(MEBIBYTE)
    .describe("Bytes of messages kept per session for clients whose connection broke."),
  killOnCancel: z.boolean().default(false)
    .describe("Whether a cancelled execute kills its command. Otherwise the command lives on, as after a timeout."),
  allowedTools: z.array(z.enum(WORKSPACE_TOOL_NAMES)).nullable().default(null)
    .describe("Names of the only tools offered; null: all. A client can ask for fewer, never for more."),
});
