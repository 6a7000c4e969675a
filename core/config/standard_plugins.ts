/**
 * Names of the plugins that come with this version, whether a binary contains them or not.
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
