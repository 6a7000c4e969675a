/**
 * Who calls a tool, read from the headers of the request.
 *
 * @module
 */
import { type ChatIdentity, chatIdentityOf } from "../../core/http/chat_identity.ts";

/** Names the workspace app that reports about the task belong to. `outpost mcp --app-status-slug` sends it. */
export const APP_SLUG_HEADER = "outpost-app-status-slug";
/** Says that the caller's screen is watched, and idleness seen there: `true`. `outpost mcp --ai-agentapi-url` sends it. */
export const SCREEN_WATCHED_HEADER = "outpost-screen-watched";
/** Names of the only tools the caller wants, with commas between. `outpost mcp --allowed-tools` sends it. */
export const ALLOWED_TOOLS_HEADER = "outpost-allowed-tools";

/** Who calls a tool. */
export interface Caller {
  /** The chat it acts for. */
  readonly chat?: ChatIdentity;
  /** Slug of the workspace app whose task it works on; not empty. */
  readonly appSlug?: string;
  /** Whether somebody else sees when it is idle, so that its own word for it does not count. */
  readonly isWatched?: boolean;
  /** The only tools it wants; absent: all. */
  readonly allowedTools?: readonly string[];
}

/** Reads the caller. Never throws: what is missing or malformed is left out. */
export function callerOf(headers: Headers): Caller {
  const chat = chatIdentityOf(headers);
  const appSlug = headers.get(APP_SLUG_HEADER);
  const allowedTools = toolNames(headers.get(ALLOWED_TOOLS_HEADER) ?? "");
  return {
    ...(chat && { chat }),
    ...(appSlug && { appSlug }),
    ...(headers.get(SCREEN_WATCHED_HEADER) === "true" && { isWatched: true }),
    ...(allowedTools.length > 0 && { allowedTools }),
  };
}

/** The names in a list with commas; white space around them does not count. */
export function toolNames(list: string): readonly string[] {
  return list.split(",").map((name) => name.trim()).filter((name) => name !== "");
}
