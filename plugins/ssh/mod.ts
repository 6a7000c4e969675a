/**
 * SSH: shells, commands and terminals for the clients people already have.
 *
 * @module
 */
export { default } from "./plugin.ts";
