/**
 * Keeps a record of every process and every edit that cannot be changed unseen.
 *
 * @module
 */
export { default } from "./plugin.ts";
