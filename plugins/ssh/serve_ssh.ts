/**
 * The running half of the plugin, loaded when it starts: what it imports costs time and memory that an agent without SSH
 * need not spend.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { authorizedKeys } from "./authorized_keys.ts";
import { ByteDuplex } from "./byte_duplex.ts";
import type { SshConfig } from "./config.ts";
import { ConnDuplex } from "./conn_duplex.ts";
import { defaultHostKeyFile, keepHostKey } from "./host_key.ts";
import { JetBrainsListeners } from "./jetbrains_tunnel.ts";
import { parseListenAddress } from "./listen_address.ts";
import { LocalForwards } from "./local_forward.ts";
import { RemoteForwards } from "./remote_forward.ts";
import type { Peer, SshTransport } from "./service.ts";
import { Sessions } from "./sessions.ts";
import type { SshMetrics } from "./ssh_metrics.ts";
import type { SshNeeds } from "./ssh_needs.ts";
import { SshService } from "./ssh_service.ts";
import { listenTcp } from "./tcp_listener.ts";
import { TrustedHostKey } from "./trusted_host_key.ts";
import type { AuthPolicy } from "./transport/authentication.ts";
import { loadSsh2, publicKeyOf } from "./transport/ssh2_library.ts";
import { WorkspaceFacts } from "./workspace_facts.ts";
import type { X11Handover } from "./x11_handover.ts";

type Context = PluginContext<SshConfig, SshNeeds>;

/** What runs. */
export interface RunningSsh extends SshTransport {
  /** The public host key of clients whom the transport vouches for, as a line of `known_hosts` has it. */
  hostKey(): Promise<string>;
}

/** Who comes in without an address. */
const NOWHERE: Peer = { address: "", port: 0 };

/**
 * Opens the listeners and serves until the plugin stops.
 *
 * @throws {Error} When the host key cannot be had, or an address not be bound.
 */
export async function serve(ctx: Context, metrics: SshMetrics, x11: X11Handover): Promise<RunningSsh> {
  const { config, services, tasks, log, exec, env, clock } = ctx;
  const facts = new WorkspaceFacts(services, tasks);
  // Settings may change in place: what is new follows those in force then.
  const sessions = new Sessions({
    ...{ exec, env, clock, log, tasks, metrics, facts, x11, reports: services.reports },
    get config() {
      return ctx.config;
    },
  });
  const local = new LocalForwards({
    ...{ tasks, clock, isBlocked: () => ctx.config.blockLocalForwarding, reports: services.reports },
    jetbrains: new JetBrainsListeners(),
  });
  const remote = new RemoteForwards({ tasks, clock, log, isBlocked: () => ctx.config.blockReverseForwarding });
  const hostKeyFile = config.hostKeyFile ?? defaultHostKeyFile(await env.build());
  const hostKey = await keepHostKey(hostKeyFile);
  const library = await loadSsh2();
  const trustedHostKey = await TrustedHostKey.open({
    ...{ manifest: services.manifest, rpc: ctx.rpc, tasks, clock, log },
    otherwise: hostKey,
    seedFile: `${hostKeyFile}.seed`,
  });
  const service = new SshService({
    library,
    hostKey,
    trustedHostKey,
    get config() {
      return ctx.config;
    },
    software: `Outpost_${ctx.host.agentVersion}`,
    clock,
    log,
    metrics,
    handlers: {
      connected: () => {},
      started: (session) => sessions.start(session),
      hasSubsystem: (name) => name === "sftp",
      forwardsX11: () => x11.isTaken,
      tcp: (_connection, target, request) => local.tcp(target, request),
      unix: (_connection, path, request) => local.unix(path, request),
      forward: (connection, request) => remote.handle(connection, request),
    },
  });
  const stop = async () => {
    await sessions.close();
    await service.close();
  };
  ctx.hooks.onDrain(stop);
  // After a failure nothing is drained, and tasks are awaited before the rest is released.
  ctx.signal.addEventListener("abort", stop, { once: true });
  await listen(ctx, service);
  return {
    serve: (stream, peer) => service.serveTrusted(new ByteDuplex(stream), peer),
    sessions: () => ({ ...sessions.counts, jetbrains: local.jetbrains }),
    hostKey: async () => publicKeyOf(library, await trustedHostKey.current()),
    connections: () => service.connections,
    traffic: () => service.traffic(),
  };
}

async function listen(ctx: Context, service: SshService): Promise<void> {
  const { config } = ctx;
  const address = config.listen === null ? undefined : parseListenAddress(config.listen);
  if (address !== undefined) {
    const policy = (): AuthPolicy =>
      ctx.config.allowAnonymous
        ? { anonymous: true }
        : { anonymous: false, keys: () => authorizedKeys(ctx.config, ctx.log) };
    const accept = (connection: Deno.TcpConn) => {
      const { hostname, port } = connection.remoteAddr;
      const stream = new ConnDuplex(connection);
      if (ctx.signal.aborted) return void stream.destroy();
      ctx.tasks.run("connection", () => service.serveTcp(stream, { address: hostname, port }, policy()));
    };
    const failed = (error: unknown) =>
      ctx.log.error("cannot accept connections, tries again", { error: messageOf(error) });
    const listener = await listenTcp(address, { accept, failed, signal: ctx.signal });
    ctx.defer(listener);
    ctx.announce({ addresses: { ssh: listener.address } });
  }
  if (config.unix !== null) {
    await ctx.socket.listen(config.unix, (connection) => service.serveTrusted(new ByteDuplex(connection), NOWHERE));
    ctx.announce({ addresses: { [address === undefined ? "ssh" : "sshUnix"]: config.unix } });
  }
}
