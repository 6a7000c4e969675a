/**
 * The port preview under the name it had at first, for configurations and binaries that still say so. Whoever uses it is told at each start.
 *
 * @module
 */
import { definePlugin, type Plugin } from "@outpost/agent";
import { definition } from "./plugin.ts";

/** What `ports` was. */
const ports: Plugin = definePlugin({
  ...definition,
  id: "ports",
  stability: "deprecated",
  deprecated: { since: "0.1.0", removedIn: "1.0.0", instead: "port-preview" },
});
export default ports;
