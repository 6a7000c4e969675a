/**
 * The desktop plugin, and the types of its settings.
 *
 * @module
 */
export type { DesktopConfig } from "./config.ts";
export { type DesktopActionRequest, type DesktopActionResult, DesktopActions } from "./service.ts";
export { default } from "./plugin.ts";
