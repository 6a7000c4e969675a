/**
 * The X11 plugin.
 *
 * @module
 */
export { default } from "./plugin.ts";
