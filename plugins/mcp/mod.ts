/**
 * The MCP plugin.
 *
 * @module
 */
export type { McpConfig } from "./config.ts";
export { default } from "./plugin.ts";
