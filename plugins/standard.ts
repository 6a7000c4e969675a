/**
 * The plugins of the stock agent. The only file that imports every plugin.
 *
 * @module
 */
import type { Plugin } from "../core/plugin.ts";
import agentfiles from "./agentfiles/mod.ts";
import agentgit from "./agentgit/mod.ts";
import agentproc from "./agentproc/mod.ts";
import agentsocket from "./agentsocket/mod.ts";
import boundarylogs from "./boundarylogs/mod.ts";
import controlplane from "./controlplane/mod.ts";
import desktop from "./desktop/mod.ts";
import dropin from "./dropin/mod.ts";
import mcp from "./mcp/mod.ts";
import ssh from "./ssh/mod.ts";
import reporting from "./reporting/mod.ts";
import scripts from "./scripts/mod.ts";
import terminals from "./terminals/mod.ts";
import x11 from "./x11/mod.ts";

/** In the order they are set up where needs leave a choice. */
export const standardPlugins: readonly Plugin[] = [
  controlplane,
  dropin,
  agentgit,
  agentproc,
  agentfiles,
  agentsocket,
  boundarylogs,
  ssh,
  mcp,
  scripts,
  reporting,
  terminals,
  x11,
  desktop,
];
