/**
 * The reload of a configuration. Loaded when somebody asks for one.
 *
 * @module
 */
export { reloadPlugins, type ReloadWork } from "./reload.ts";
export { reloadedSettings } from "./setting_changes.ts";
