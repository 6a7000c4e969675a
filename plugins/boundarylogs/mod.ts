/**
 * The boundary log plugin.
 *
 * @module
 */
export type { BoundarylogsConfig } from "./config.ts";
export { default } from "./plugin.ts";
