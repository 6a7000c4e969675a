/**
 * Loads the sessions of the MCP server as the agent does, only from FILE: `mcp_sessions.ts FILE`. FILE imports
 * `no_descriptors.ts` and hands on the sessions, which thus are evaluated without descriptors. Prints what came of it.
 *
 * @module
 */
import { toFileUrl } from "@std/path";

import { lookUpParserStack } from "../../core/cli/parser_stack.ts";
import { messageOf } from "../../core/errors.ts";
import { loadSessions } from "../../plugins/mcp/load_sessions.ts";

await lookUpParserStack();
const loaded = await loadSessions(() => import(toFileUrl(Deno.args[0]!).href))
  .then(({ McpSessions }) => McpSessions.name, messageOf);
(await import("./no_descriptors.ts")).giveBack();
console.log(JSON.stringify(loaded));
