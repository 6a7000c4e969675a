/**
 * Names of the plugins that come with this version, whether a binary contains them or not.
 *
 * They are the core's and not an option of `main()`: it is a binary without a plugin that has to say where to get it, and
 * `outpost build` chooses among plugins that the binary it runs in may not have.
 *
 * @module
 */

/** Ids in `plugins/standard.ts`; a test keeps the two equal. */
export const STANDARD_PLUGINS: readonly string[] = [
  "controlplane",
  "dropin",
  "agentgit",
  "agentproc",
  "agentfiles",
  "agentsocket",
  "boundarylogs",
  "ssh",
  "mcp",
  "scripts",
  "reporting",
  "terminals",
  "x11",
  "desktop",
];
