/**
 * The desktop plugin, and the types of its settings.
 *
 * @module
 */
export type { DesktopConfig } from "./config.ts";
export { default } from "./plugin.ts";
