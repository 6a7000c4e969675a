/**
 * Who calls a tool, read from the headers of the request.
 *
 * @module
 */
import { type ChatIdentity, chatIdentityOf } from "../../core/http/chat_identity.ts";

/** Names the workspace app that reports about the task belong to. `outpost mcp --app-status-slug` sends it. */
export const APP_SLUG_HEADER = "outpost-app-status-slug";

/** Who calls a tool. */
export interface Caller {
  /** The chat it acts for. */
  readonly chat?: ChatIdentity;
  /** Slug of the workspace app whose task it works on; not empty. */
  readonly appSlug?: string;
}

/** Reads the caller. Never throws: what is missing or malformed is left out. */
export function callerOf(headers: Headers): Caller {
  const chat = chatIdentityOf(headers);
  const appSlug = headers.get(APP_SLUG_HEADER);
  return { ...(chat && { chat }), ...(appSlug && { appSlug }) };
}
