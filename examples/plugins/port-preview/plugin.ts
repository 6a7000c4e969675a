/**
 * Wiring of the port preview.
 *
 * @module
 */
import { definePlugin, HttpProblem, type Plugin, type WebSocketOpener } from "@outpost/agent";
import { portPreviewConfig } from "./config.ts";
import { dial, forward, joinSockets, type Target } from "./forward.ts";
import { type ListeningPort, listeningPorts } from "./listening_ports.ts";

type Context = Parameters<WebSocketOpener>[0];

const BASE = "/api/v0/port-preview";

/** Lists the ports somebody listens on, and leads to one. */
const plugin: Plugin = definePlugin({
  id: "port-preview",
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Lists listening ports and shows what runs behind them.",
  config: portPreviewConfig,
  permissions: { read: ["/proc/net/tcp", "/proc/net/tcp6"], net: true },
  supported: ({ os }) => os === "linux" || { reason: "it reads Linux's /proc/net" },
  setup(ctx) {
    const requests = ctx.metrics.counter("requests_total", {
      help: "Requests that were passed on; unreachable ones mean a server that is gone or not started yet.",
      labels: { outcome: ["answered", "unreachable"] },
    });
    const open = ctx.metrics.gauge("websockets_open", {
      help: "WebSockets that are passed on; they keep their pages alive, so a rise without pages is a leak.",
    });
    const client = Deno.createHttpClient({ allowHost: true });
    ctx.defer(() => client.close());
    const ports = async (): Promise<readonly ListeningPort[]> => {
      const { lowestPort, hidden } = ctx.config;
      const found = await listeningPorts((path) => Deno.readTextFile(path));
      return found.filter(({ port }) => port >= lowestPort && !hidden.includes(port));
    };
    /** Only what is in the list is reached: this is a window to servers, and no way around a firewall. */
    const targetOf = async (c: Context): Promise<Target> => {
      const port = Number(c.req.param("port"));
      const found = (await ports()).find((each) => each.port === port);
      if (found === undefined) {
        throw new HttpProblem(404, `Nobody listens on port ${c.req.param("port")}`, {
          detail: `see ${BASE} for the ports that are shown`,
        });
      }
      const prefix = `${BASE}/${port}`;
      const { pathname, search } = new URL(c.req.url);
      const path = (pathname.slice(prefix.length) || "/") + search;
      return { address: `${found.host}:${port}`, port, path, prefix };
    };
    /** The limit is for the answer's beginning: what follows may stream for as long as somebody reads it. */
    const ask = async <T>(c: Context, { port }: Target, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      const [late, begun] = [new AbortController(), new AbortController()];
      ctx.clock.sleep(ctx.config.answerMs, begun.signal).then(
        () => late.abort(new Error("it took too long")),
        () => {},
      );
      try {
        const answer = await work(AbortSignal.any([c.req.raw.signal, ctx.signal, late.signal]));
        requests.inc({ outcome: "answered" });
        return answer;
      } catch (error) {
        requests.inc({ outcome: "unreachable" });
        throw new HttpProblem(502, `Port ${port} does not answer`, { detail: String(error), cause: error });
      } finally {
        begun.abort();
      }
    };

    ctx.routes.app.get(
      "/",
      async (c) =>
        c.json({
          ports: (await ports()).map(({ port, isLocal }) => ({ port, local: isLocal, path: `${BASE}/${port}/` })),
        }),
    );
    for (const path of ["/:port{[0-9]+}", "/:port{[0-9]+}/*"]) {
      ctx.routes.app.use(path, async (c, next) => {
        if (c.req.header("upgrade")?.toLowerCase() === "websocket") return await next();
        const target = await targetOf(c);
        return await ask(c, target, (signal) => forward(c.req.raw, target, { client, signal }));
      });
      ctx.routes.webSocket(path, async (c) => {
        const target = await targetOf(c);
        const server = await ask(c, target, (signal) => dial(c.req.raw, target, { client, signal }));
        return async (client) => {
          open.add(1);
          await joinSockets(client, server).finally(() => open.add(-1));
        };
      });
      ctx.routes.limit(path, { maxBodyBytes: Infinity, handlerMs: Infinity });
    }
    ctx.announce({ capabilities: ["ports.preview"] });
  },
  reconfigure() {
    // Every setting is read when it is used.
  },
});
export default plugin;
