/**
 * The reporting plugin: what a control plane wants to know of the workspace again and again.
 *
 * @module
 */
export { default } from "./plugin.ts";
export type { MetadataSettings, PortSettings, ReportingConfig } from "./config.ts";
