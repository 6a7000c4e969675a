/**
 * The drop-in plugin: starts the agent in the words of Coder's, and serves what that one serves beside its API.
 *
 * @module
 */
export { default } from "./plugin.ts";
