/**
 * Where MCP clients keep their settings, and how Outpost is written into them.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";

/** A program and how to start it, as clients' files write it. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/** Facts that decide where a file is. */
export interface ClientPlace {
  readonly home: string;
  /** Absolute directory of the project; absent for the user's own settings. */
  readonly project?: string;
  readonly os: typeof Deno.build.os;
}

/** One client. */
export interface McpClient {
  /** Whether its settings are per project, for the user, or either. */
  readonly scope: "project" | "user" | "either";
  /** Its file when no other is named. */
  path(place: ClientPlace): string;
  /** Puts the server into its settings; everything else stays. `tools` may be used without asking. */
  add(
    settings: Json,
    server: ServerEntry,
    options: { readonly project?: string; readonly tools: readonly string[] },
  ): Json;
}

type Json = Readonly<Record<string, unknown>>;

/** Name of the server in every client. */
const SERVER = "outpost";

/** The clients that can be configured. */
export const MCP_CLIENTS: Readonly<Record<string, McpClient>> = {
  "claude-code": {
    scope: "project",
    path: ({ home }) => join(home, ".claude.json"),
    add(settings, server, { project, tools }) {
      const projects = objectAt(settings, "projects");
      const own = objectAt(projects, project!);
      const allowed = Array.isArray(own.allowedTools) ? own.allowedTools : [];
      const missing = tools.map((tool) => `mcp__${SERVER}__${tool}`).filter((tool) => !allowed.includes(tool));
      const changed = {
        ...withServer(own, { type: "stdio", ...server }),
        ...(missing.length > 0 && { allowedTools: [...allowed, ...missing] }),
      };
      return { ...settings, projects: { ...projects, [project!]: changed } };
    },
  },
  "claude-desktop": {
    scope: "user",
    path: ({ home, os }) =>
      join(home, os === "darwin" ? "Library/Application Support" : ".config", "Claude/claude_desktop_config.json"),
    add: (settings, server) => withServer(settings, server),
  },
  cursor: {
    scope: "either",
    path: ({ home, project }) => join(project ?? home, ".cursor/mcp.json"),
    add: (settings, server) => withServer(settings, server),
  },
};

function withServer(settings: Json, server: object): Json {
  return { ...settings, mcpServers: { ...objectAt(settings, "mcpServers"), [SERVER]: server } };
}

function objectAt(settings: Json, field: string): Json {
  const value = settings[field] ?? {};
  if (isObject(value)) return value;
  throw new TypeError(`"${field}" is no object`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a settings file's text. An empty file counts as empty settings.
 *
 * @throws {SyntaxError} When it is no JSON object.
 */
export function parseSettings(text: string): Json {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(messageOf(error));
  }
  if (!isObject(value)) throw new SyntaxError("it holds no JSON object");
  return value;
}
