/**
 * An agent with a name and plugins of its own. Start it with: `deno run -A examples/custom_agent.ts start`
 *
 * @module
 */
import { main } from "../main.ts";
import agentfiles from "../plugins/agentfiles/mod.ts";
import agentproc from "../plugins/agentproc/mod.ts";
import hello from "./hello_plugin.ts";

await main({ build: { name: "acme-agent", version: "4.2.0" }, plugins: [agentproc, agentfiles, hello] });
