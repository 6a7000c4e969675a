/**
 * What other plugins may use of ssh, and what they may give to it. Interfaces and tokens only.
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

/** Names that a workspace keeps when it is built anew. */
export interface WorkspaceNames {
  readonly owner: string;
  readonly workspace: string;
  readonly agent: string;
}

/** What the control plane tells about the workspace, as far as sessions show it. Provided by whoever knows the manifest. */
export interface WorkspaceFacts {
  /** `undefined` while they are not known. With them, the private listener's host key is derived from them. */
  names(): WorkspaceNames | undefined;
  /** Messages shown at a login, in order; empty ones are left out. May throw: the login then shows what it has. */
  banners(): readonly string[];
  /** File shown at a login after the banners; `undefined` or empty: the configured one. */
  motdFile(): string | undefined;
}
/** Token for {@linkcode WorkspaceFacts}. */
export const WorkspaceFacts: ServiceToken<WorkspaceFacts> = defineService("ssh/workspace-facts");

/** What a session's client said it is. */
export type ConnectionType = "ssh" | "vscode" | "jetbrains" | "unknown";

/** One session came or went. */
export interface ConnectionReport {
  /** The same UUID for both reports of a session. */
  readonly id: string;
  readonly action: "connect" | "disconnect";
  readonly type: ConnectionType;
  /** Empty when the client has no address. */
  readonly ip: string;
  /** Exit status of the session; 0 for `connect`. */
  readonly statusCode: number;
  /** Why the session failed; empty when it did not. */
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
/** Keeps or sends the record of who came when. Provided by whoever reports to a control plane. */
export interface ConnectionReports {
  /** Returns at once; never throws. */
  report(report: ConnectionReport): void;
}
/** Token for {@linkcode ConnectionReports}. */
export const ConnectionReports: ServiceToken<ConnectionReports> = defineService("ssh/connection-reports");
