/**
 * Puts the parts of the SSH plugin together. Loaded by plugins that run: most of it is Node's networking.
 *
 * @module
 */
import type { PluginContext } from "../../core/plugin.ts";
import { authorizedKeys } from "./authorized_keys.ts";
import { ByteDuplex } from "./byte_duplex.ts";
import type { SshConfig } from "./config.ts";
import { defaultHostKeyFile, keepHostKey } from "./host_key.ts";
import { parseListenAddress } from "./listen_address.ts";
import { LocalForwards } from "./local_forward.ts";
import { RemoteForwards } from "./remote_forward.ts";
import { type ByteStream, type Peer, SshTransport } from "./service.ts";
import { Sessions } from "./sessions.ts";
import { sshMetrics } from "./ssh_metrics.ts";
import { SshService } from "./ssh_service.ts";
import { listenTcp } from "./tcp_listener.ts";
import type { AuthPolicy } from "./transport/authentication.ts";
import { loadSsh2 } from "./transport/ssh2_library.ts";
import type { needs } from "./plugin.ts";

type Context = PluginContext<SshConfig, typeof needs>;

/** Who comes in without an address. */
const NOWHERE: Peer = { address: "", port: 0 };

/** Provides the transport at once, and serves from the start on. */
export function serveSsh(ctx: Context): void {
  const metrics = sshMetrics(ctx.metrics);
  const { config, services } = ctx;
  const sessions = new Sessions({
    config,
    exec: ctx.exec,
    env: ctx.env,
    clock: ctx.clock,
    log: ctx.log,
    tasks: ctx.tasks,
    metrics,
    facts: services.facts,
    reports: services.reports,
  });
  const local = new LocalForwards(ctx.tasks, config.blockLocalForwarding);
  const remote = new RemoteForwards({ tasks: ctx.tasks, log: ctx.log, isBlocked: config.blockReverseForwarding });
  const started = Promise.withResolvers<SshService>();
  started.promise.catch(() => {}); // Whoever waits for it is told.
  ctx.provide(SshTransport, {
    serve: async (stream: ByteStream, peer: Peer) =>
      await (await started.promise).serveTrusted(new ByteDuplex(stream), peer),
    sessions: () => sessions.counts,
  });
  ctx.hooks.onStart(async () => {
    const service = new SshService({
      library: await loadSsh2(),
      hostKey: await keepHostKey(config.hostKeyFile ?? defaultHostKeyFile(await ctx.env.build())),
      config,
      software: `Outpost_${ctx.host.agentVersion}`,
      clock: ctx.clock,
      log: ctx.log,
      metrics,
      facts: services.facts,
      handlers: {
        connected: () => {},
        started: (session) => sessions.start(session),
        hasSubsystem: (name) => name === "sftp",
        tcp: (_connection, target, request) => local.tcp(target, request),
        unix: (_connection, path, request) => local.unix(path, request),
        forward: (connection, request) => remote.handle(connection, request),
      },
    });
    started.resolve(service);
    const stop = async () => {
      await sessions.close();
      service.close();
    };
    ctx.hooks.onDrain(stop);
    // After a failure nothing is drained, and tasks are awaited before the rest is released.
    ctx.signal.addEventListener("abort", stop, { once: true });
    await listen(ctx, service);
  });
  ctx.announce({
    capabilities: ["ssh"],
    limits: { maxConnections: config.maxConnections, maxChannels: config.maxChannels },
  });
}

async function listen(ctx: Context, service: SshService): Promise<void> {
  const { config } = ctx;
  const address = config.listen === null ? undefined : parseListenAddress(config.listen);
  if (address !== undefined) {
    const policy: AuthPolicy = config.allowAnonymous
      ? { anonymous: true }
      : { anonymous: false, keys: () => authorizedKeys(config, ctx.log) };
    const listener = await listenTcp(address, (socket) => {
      if (ctx.signal.aborted) return void socket.destroy();
      const peer = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
      ctx.tasks.run("connection", () => service.serveTcp(socket, peer, policy));
    });
    ctx.defer(listener);
    ctx.announce({ addresses: { ssh: listener.address } });
  }
  if (config.unix !== null) {
    await ctx.socket.listen(config.unix, (connection) => service.serveTrusted(new ByteDuplex(connection), NOWHERE));
    ctx.announce({ addresses: { [address === undefined ? "ssh" : "sshUnix"]: config.unix } });
  }
}
