/**
 * The git plugin.
 *
 * @module
 */
export { default } from "./plugin.ts";
export type { AgentgitConfig } from "./config.ts";
export type { DiffReport, ReportedFile, StatusReport } from "./repo_report.ts";
export { PathActivity } from "./service.ts";
export type { ProgressMessage, RepoChange } from "./watch_message.ts";
