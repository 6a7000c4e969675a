/**
 * Runs a command whenever files change, and tells how it went.
 *
 * @module
 */
export { default } from "./plugin.ts";
