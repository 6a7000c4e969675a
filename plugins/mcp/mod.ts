/**
 * The MCP plugin, and the service by which another plugin adds task reports to it.
 *
 * @module
 */
export type { McpConfig } from "./config.ts";
export { TaskReporter, type TaskStatus } from "./service.ts";
export { default } from "./plugin.ts";
