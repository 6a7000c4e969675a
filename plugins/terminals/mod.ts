/**
 * Terminals over WebSocket that outlive their viewers.
 *
 * @module
 */
export { default } from "./plugin.ts";
