/**
 * Wiring of the port preview.
 *
 * @module
 */
import {
  definePlugin,
  HttpProblem,
  type Logger,
  type Plugin,
  type PluginDefinition,
  type WebSocketOpener,
} from "@outpost/agent";
import { type PortPreviewConfig, portPreviewConfig } from "./config.ts";
import { dial, forward, joinSockets, type Target } from "./forward.ts";
import { type ListeningPort, listeningPorts } from "./listening_ports.ts";

type Context = Parameters<WebSocketOpener>[0];

/** The routes are words of their own: `ports` lists them, `port` leads to one. */
const MOUNT = ["ports", "port"];
/** Dev servers send whole bundles through their live connections. In bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** A page that does not keep up with this much is gone. In bytes. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;

/** Everything but the name, which the plugin had another one of: see `former_name.ts`. */
export const definition: Omit<PluginDefinition<PortPreviewConfig, Record<never, never>>, "id"> = {
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Lists listening ports and shows what runs behind them.",
  mount: MOUNT,
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
    const shown = ctx.metrics.gauge("ports", {
      help: "Ports that are shown; a steady rise: servers are left running.",
    });
    const client = Deno.createHttpClient({ allowHost: true });
    ctx.defer(() => client.close());
    const ports = async (): Promise<readonly ListeningPort[]> => {
      const { lowestPort, hidden } = ctx.config;
      const found = await listeningPorts((path) => Deno.readTextFile(path));
      return found.filter(({ port }) => port >= lowestPort && !hidden.includes(port));
    };
    shown.collect(async () => (await ports()).length);
    /** Only what is in the list is reached: this is a window to servers, and no way around a firewall. */
    const targetOf = async (port: number, { url }: Request, prefix: string): Promise<Target> => {
      const found = (await ports()).find((each) => each.port === port);
      if (found === undefined) {
        throw new HttpProblem(404, `Nobody listens on port ${port}`, {
          detail: `see /api/v0/ports for the ports that are shown`,
        });
      }
      const { pathname, search } = new URL(url);
      const path = (pathname.slice(prefix.length) || "/") + search;
      return { address: `${found.host}:${port}`, port, path, prefix };
    };
    const namedTarget = (c: Context): Promise<Target> => {
      const port = Number(c.req.param("port"));
      return targetOf(port, c.req.raw, `/api/v0/port/${port}`);
    };
    /** The limit is for the answer's beginning: what follows may stream for as long as somebody reads it. */
    const ask = async <T>(
      request: Request,
      { port }: Target,
      work: (signal: AbortSignal) => Promise<T>,
    ): Promise<T> => {
      const [late, begun] = [new AbortController(), new AbortController()];
      ctx.clock.sleep(ctx.config.answerMs, begun.signal).then(
        () => late.abort(new Error("it took too long")),
        () => {},
      );
      try {
        const answer = await work(AbortSignal.any([request.signal, ctx.signal, late.signal]));
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
      "/ports",
      async (c) =>
        c.json({
          ports: (await ports()).map(({ port, isLocal }) => ({ port, local: isLocal, path: `/api/v0/port/${port}/` })),
        }),
    );
    for (const path of ["/port/:port{[0-9]+}", "/port/:port{[0-9]+}/*"]) {
      ctx.routes.app.use(path, async (c, next) => {
        if (c.req.header("upgrade")?.toLowerCase() === "websocket") return await next();
        const target = await namedTarget(c);
        return await ask(c.req.raw, target, (signal) => forward(c.req.raw, target, { client, signal }));
      });
      ctx.routes.webSocket(path, async (c) => {
        const target = await namedTarget(c);
        const server = await ask(c.req.raw, target, (signal) => dial(c.req.raw, target, { client, signal }));
        return async (client) => {
          open.add(1);
          await joinSockets(client, server).finally(() => open.add(-1));
        };
      }, { maxMessageBytes: MAX_MESSAGE_BYTES, maxQueuedBytes: MAX_QUEUED_BYTES });
      ctx.routes.limit(path, { maxBodyBytes: Infinity, handlerMs: Infinity });
    }
    const look = changesTo(ctx.log, ports);
    ctx.hooks.onStart(look);
    ctx.tasks.every("look for servers", ctx.config.lookMs, look);
    const { share } = ctx.config;
    if (share !== null) {
      ctx.hooks.onStart(async () => {
        // Its own address, so that pages which name their files from "/" work. It knows no token: that is its purpose.
        const address = await ctx.socket.http(share.address, async (request) => {
          const target = await targetOf(share.port, request, "");
          return await ask(request, target, (signal) => forward(request, target, { client, signal }));
        });
        ctx.log.warn("a port is shown without a token", { address, port: share.port });
        ctx.announce({ addresses: { preview: address } });
      });
    }
    ctx.announce({ capabilities: ["ports.preview"] });
  },
  /** What is not listed here is read when it is used. */
  reconfigure({ config }, next) {
    const fixed = ({ lookMs, share }: typeof next) => JSON.stringify([lookMs, share]);
    if (fixed(config) !== fixed(next)) return "restart";
  },
};

/** Lists the ports somebody listens on, and leads to one. */
const plugin: Plugin = definePlugin({ id: "port-preview", ...definition });
export default plugin;

/** Tells in the log which servers came and went since the last look. */
function changesTo(log: Logger, ports: () => Promise<readonly ListeningPort[]>): () => Promise<void> {
  let before: ReadonlySet<number> | undefined;
  return async () => {
    const now = new Set((await ports()).map(({ port }) => port));
    // What was there at the first look is no news.
    for (const port of now.difference(before ?? now)) log.info("a server listens", { port });
    for (const port of before?.difference(now) ?? []) log.info("a server is gone", { port });
    before = now;
  };
}
