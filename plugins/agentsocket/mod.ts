/**
 * The agent socket plugin.
 *
 * @module
 */
export type { AgentsocketConfig } from "./config.ts";
export { TaskReporter } from "./service.ts";
export type { TaskReport, TaskState } from "./service.ts";
export { default } from "./plugin.ts";
