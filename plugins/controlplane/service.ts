/**
 * What other plugins get from the control plane's agent API, and tell it. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** A script that the control plane wants run. */
export interface ManifestScript {
  readonly id: string;
  /** Groups its log lines; a UUID. */
  readonly logSourceId: string;
  readonly logPath: string;
  readonly script: string;
  /** Six-field cron expression; empty for scripts that do not repeat. */
  readonly cron: string;
  readonly runOnStart: boolean;
  readonly runOnStop: boolean;
  /** 0 means no limit. */
  readonly timeoutMs: number;
  readonly displayName: string;
}
/** A value that the control plane wants collected again and again. */
export interface ManifestMetadata {
  readonly key: string;
  readonly displayName: string;
  readonly script: string;
  /** 0 means once per connection. */
  readonly intervalSeconds: number;
  /** 0 means that the interval decides. */
  readonly timeoutSeconds: number;
}
/** What a control plane knows of an app; `disabled` apps are not to be asked. */
export type ManifestAppHealth = "unspecified" | "disabled" | "initializing" | "healthy" | "unhealthy";
/** An app whose health is to be watched. */
export interface ManifestApp {
  readonly id: string;
  readonly slug: string;
  readonly displayName: string;
  /** As the control plane knew it when it sent the manifest. */
  readonly health: ManifestAppHealth;
  readonly healthcheck: { readonly url: string; readonly intervalMs: number; readonly threshold: number };
}
/** What the control plane says about this agent. Secrets are not part of it. */
export interface Manifest {
  readonly agentId: string;
  readonly agentName: string;
  readonly workspaceId: string;
  readonly workspaceName: string;
  readonly ownerName: string;
  /** Absolute; empty when the control plane names none. */
  readonly directory: string;
  readonly motdPath: string;
  readonly portProxyUri: string;
  readonly gitAuthConfigs: number;
  readonly isSubAgent: boolean;
  /** Id of the agent this one is a part of; absent for most. */
  readonly parentId?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly scripts: readonly ManifestScript[];
  readonly metadata: readonly ManifestMetadata[];
  readonly apps: readonly ManifestApp[];
}

/** The manifest, now and later. */
export interface ManifestFeed {
  /** Yields the current manifest, if there is one, then every later one. Ends with `signal` and with the provider. */
  watch(signal: AbortSignal): AsyncIterable<Manifest>;
}
/** Token for {@linkcode ManifestFeed}. */
export const ManifestFeed: ServiceToken<ManifestFeed> = defineService("controlplane/manifest");

/** How work at the start or the end of the agent went; the worst of all decides the state that is reported. */
export type WorkOutcome = "ok" | "timeout" | "error";
/** Work that belongs to the agent's start or end, such as scripts. */
export interface LifecycleWork {
  /** Runs once, with the first manifest, between STARTING and READY. */
  readonly start?: (manifest: Manifest, signal: AbortSignal) => Promise<WorkOutcome>;
  /** Runs once, between SHUTTING_DOWN and OFF. Not called when there never was a manifest. Late work, when `signal` aborts, is not waited for. */
  readonly stop?: (signal: AbortSignal) => Promise<WorkOutcome>;
  /** What has to arrive before the connection is closed, such as the last lines of a log. Runs beside the report of the last state. */
  readonly lastWords?: (signal: AbortSignal) => Promise<void>;
}
/** Takes work that the reported lifecycle waits for. */
export interface LifecycleReports {
  /** Adds work; call it during set-up. It is forgotten with `signal`. */
  add(work: LifecycleWork, signal: AbortSignal): void;
}
/** Token for {@linkcode LifecycleReports}. */
export const LifecycleReports: ServiceToken<LifecycleReports> = defineService("controlplane/lifecycle");

/** Kinds of connections that are reported. */
export type ConnectionKind = "ssh" | "vscode" | "jetbrains" | "reconnecting_pty" | "unspecified";
/** Reports people's connections. */
export interface ConnectionReports {
  /**
   * Reports a connection that has begun. Never throws, never waits.
   *
   * @param remoteAddress `host:port`; blank when there is none.
   * @returns Call it once when the connection has ended, with its status code and the reason.
   */
  connected(kind: ConnectionKind, remoteAddress: string): (statusCode: number, reason: string) => void;
}
/** Token for {@linkcode ConnectionReports}. */
export const ConnectionReports: ServiceToken<ConnectionReports> = defineService("controlplane/connections");

/** A banner people should see when they log in. */
export interface Banner {
  readonly message: string;
  readonly backgroundColor: string;
}
/** The banners in force, now and later. */
export interface BannerFeed {
  /** Yields the current banners, if known, then every later list. Ends with `signal` and with the provider. */
  watch(signal: AbortSignal): AsyncIterable<readonly Banner[]>;
}
/** Token for {@linkcode BannerFeed}. */
export const BannerFeed: ServiceToken<BannerFeed> = defineService("controlplane/banners");
