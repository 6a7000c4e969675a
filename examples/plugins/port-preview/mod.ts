/**
 * Shows what runs on the workspace's ports.
 *
 * @module
 */
export { default } from "./plugin.ts";
