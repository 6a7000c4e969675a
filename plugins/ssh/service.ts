/**
 * What other plugins may use of ssh. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** Where a client is. */
export interface Peer {
  /** IP address; empty when the connection has none, as on a Unix socket. */
  readonly address: string;
  /** 0 when there is none. */
  readonly port: number;
}

/** A byte stream that a client speaks SSH on. */
export interface ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Running sessions by what their clients are. */
export interface SessionCounts {
  readonly ssh: number;
  readonly vscode: number;
}

/** Serves SSH on connections that other plugins bring. */
export interface SshTransport {
  /**
   * Serves one client until it ends; resolves then, also when the client failed. The caller vouches for the client: nobody
   * asks it for a key. Refuses with {@linkcode ScopeClosedError} when the plugin is stopped.
   */
  serve(stream: ByteStream, peer: Peer): Promise<void>;
  /** Sessions that are running now. */
  sessions(): SessionCounts;
}
/** Token for {@linkcode SshTransport}. */
export const SshTransport: ServiceToken<SshTransport> = defineService("ssh/transport");
