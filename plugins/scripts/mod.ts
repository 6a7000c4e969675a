/**
 * The scripts plugin: what the control plane wants run at the start, at the end, and again and again.
 *
 * @module
 */
export { default } from "./plugin.ts";
export type { ScriptsConfig } from "./config.ts";
