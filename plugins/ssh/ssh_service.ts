/**
 * The running service: host keys, servers, the count of connections.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import type { CountedDuplex } from "./byte_duplex.ts";
import type { SshConfig } from "./config.ts";
import type { Peer } from "./service.ts";
import type { SshMetrics } from "./ssh_metrics.ts";
import type { AuthPolicy } from "./transport/authentication.ts";
import type { Ssh2 } from "./transport/ssh2_shape.ts";
import { type ConnectionHandlers, SshServer } from "./transport/ssh_server.ts";
import type { TrustedHostKey } from "./trusted_host_key.ts";

/** What the service is made from. */
export interface SshServiceOptions {
  readonly library: Ssh2;
  /** The host key of the TCP listener. */
  readonly hostKey: string;
  /** The host key of everything else. */
  readonly trustedHostKey: TrustedHostKey;
  /** Asked for at each use: settings change in place. */
  readonly config: SshConfig;
  readonly software: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: SshMetrics;
  readonly handlers: ConnectionHandlers;
}

/** A third of the time without a sign of life: the server asks that often, and gives up after the third time. */
const KEEPALIVES_PER_TIMEOUT = 3;

/** Serves byte streams, within the limits. */
export class SshService {
  readonly #options: SshServiceOptions;
  /** Servers by host key: the library takes one key for each. */
  readonly #servers = new Map<string, SshServer>();
  #isClosed = false;
  readonly #open = new Set<CountedDuplex>();
  /** Bytes of connections that have ended. */
  #received = 0;
  #sent = 0;
  #loggingIn = 0;

  /** @throws {Error} When the host key is not usable. */
  constructor(options: SshServiceOptions) {
    this.#options = options;
    this.#server(options.hostKey);
    options.metrics.connections.collect(() => this.connections);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** Bytes of all connections since the start. */
  traffic(): { readonly received: number; readonly sent: number } {
    let [received, sent] = [this.#received, this.#sent];
    for (const { bytesRead, bytesWritten } of this.#open) {
      [received, sent] = [received + bytesRead, sent + bytesWritten];
    }
    return { received, sent };
  }

  /** Serves a client who has to prove that it may come in. */
  serveTcp(stream: CountedDuplex, peer: Peer, policy: AuthPolicy): Promise<void> {
    return this.#serve(stream, peer, { policy, hostKey: this.#options.hostKey });
  }

  /** Serves a client whom the transport vouches for. */
  async serveTrusted(stream: CountedDuplex, peer: Peer): Promise<void> {
    const hostKey = await this.#options.trustedHostKey.current();
    await this.#serve(stream, peer, { policy: { anonymous: true }, hostKey });
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  async #serve(
    stream: CountedDuplex,
    peer: Peer,
    { policy, hostKey }: { policy: AuthPolicy; hostKey: string },
  ): Promise<void> {
    const { config, metrics, log } = this.#options;
    if (this.#isClosed) return void stream.destroy();
    if (this.connections >= config.maxConnections || this.#loggingIn >= config.maxLogins) {
      metrics.refusedConnections.inc();
      log.warn("connection refused", { open: this.connections, loggingIn: this.#loggingIn });
      stream.on("error", () => {}); // It is being cut.
      stream.destroy();
      return;
    }
    this.#open.add(stream);
    this.#loggingIn++;
    let isLoggingIn = true;
    const admitted = () => {
      if (isLoggingIn) this.#loggingIn--;
      isLoggingIn = false;
    };
    const { authenticated, error } = await this.#server(hostKey).serve(stream, { peer, policy, admitted });
    this.#open.delete(stream);
    this.#received += stream.bytesRead;
    this.#sent += stream.bytesWritten;
    admitted();
    if (!authenticated) metrics.failedConnections.inc();
    if (error !== undefined) {
      log.debug("connection failed", { address: peer.address, authenticated, error: messageOf(error) });
    }
  }

  #server(hostKey: string): SshServer {
    const known = this.#servers.get(hostKey);
    if (known !== undefined) return known;
    const options = this.#options;
    const { library, software, clock, handlers } = options;
    const server = new SshServer({
      library,
      hostKey,
      software,
      clock,
      handlers,
      keepaliveMs: Math.floor(options.config.maxTimeoutMs / KEEPALIVES_PER_TIMEOUT),
      get loginMs() {
        return options.config.loginMs;
      },
      get maxChannels() {
        return options.config.maxChannels;
      },
    });
    this.#servers.set(hostKey, server);
    return server;
  }
}
