/**
 * An agent behind a server of `node:http` instead of the agent's own listeners, WebSockets included. Start it with:
 * `deno run -A examples/host_on_node_http.ts`
 *
 * @module
 */
import { listenNode } from "../core/http/node_listener.ts";
import { randomToken } from "../core/http/token.ts";
import { createAgent, definePlugin, type Plugin } from "../mod.ts";
import hello from "./hello_plugin.ts";

/** Sends every message back in capitals: `/api/v0/shout/ws`. The same code serves `Deno.serve`. */
const shout: Plugin = definePlugin({
  id: "shout",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Answers in capitals.",
  setup(ctx) {
    ctx.routes.webSocket("/ws", () => async (socket) => {
      for await (const message of socket) await socket.send(String(message).toUpperCase());
    });
  },
});

const token = Deno.env.get("OUTPOST_TOKEN") ?? randomToken();
await using agent = createAgent({ plugins: [hello, shout], config: { agent: { listen: { tcp: null }, token } } });
await agent.start();
const listener = await listenNode(agent.front, { port: 0 });
console.log(`Try: curl -H "Authorization: Bearer ${token}" ${listener.address}/api/v0/hello`);

const stopped = Promise.withResolvers<void>();
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stopped.resolve);
await stopped.promise;
// First the agent, so that WebSockets close with 1001; then the server under it.
await agent.stop("stopped by a signal");
await listener.close(AbortSignal.timeout(5_000));
Deno.exit();
