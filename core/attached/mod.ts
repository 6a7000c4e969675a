/**
 * Plugins that run as programs of their own. `docs/attached_plugins.md` describes the protocol for other languages.
 *
 * @module
 */
export { serveAttached } from "./serve.ts";
