/**
 * The control-plane plugin: manifest, lifecycle, banners and connection reports over Coder's agent API.
 *
 * @module
 */
export { default } from "./plugin.ts";
export { type ControlplaneConfig, SUBSYSTEMS } from "./config.ts";
