/**
 * What an agent is made from.
 *
 * @module
 */
import type { LoadedConfig } from "./config/loaded_config.ts";
import type { BuildInfo, Note } from "./load_plan.ts";
import type { LogSink } from "./log.ts";
import type { Awaitable, Clock, Plugin, Rpc, Variables } from "./plugin.ts";
import type { RpcLink } from "./rpc/link.ts";
import type { ProvidedService } from "./services.ts";

/** What {@linkcode createAgent} takes. Only `plugins` is needed. */
export interface AgentOptions {
  /** Built-in plugins, in the order they are set up where needs leave a choice. */
  readonly plugins: readonly Plugin[];
  /** The configuration: as `resolveConfig` returns it, or the content of a file as an object. Default: all defaults. */
  readonly config?: LoadedConfig | Readonly<Record<string, unknown>>;
  /** Reads the configuration again, for {@linkcode Agent.reload}. Default: none, so that a reload has to bring its own. */
  readonly readConfig?: () => Awaitable<LoadedConfig | Readonly<Record<string, unknown>>>;
  /** Name and version of the binary. Default: the stock agent's. */
  readonly build?: BuildInfo;
  /** The agent's own environment. Default: the process's. */
  readonly env?: Variables;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Where log lines go. Default: formatted, to where the configuration says. */
  readonly logSink?: LogSink;
  /** What plugins of the life before left for this one: {@linkcode ExitReport.renewal}. */
  readonly carried?: CarriedByPlugin;
  /** First lines of the log. */
  readonly notes?: readonly Note[];
  /** Path of the agent's own program; its directory ends the `PATH` of children. Default: the running program. */
  readonly executable?: string;
  /** Program and first arguments that run this binary's commands. Default: none, as in a program that embeds the agent. */
  readonly commandLine?: readonly [program: string, ...args: string[]];
  /** Connects to the control plane. Default: as the configuration and `CODER_AGENT_URL` say. */
  readonly dial?: (signal: AbortSignal) => Promise<RpcLink>;
  /** Asks the control plane over plain HTTP. Default: as the configuration and `CODER_AGENT_URL` say. */
  readonly fetchControlPlane?: Rpc["fetch"];
  /** The token for it. Default: as the configuration and `CODER_AGENT_TOKEN` say. */
  readonly controlPlaneToken?: Rpc["token"];
  /** Services from outside the plugins; each stands in for a plugin's own. */
  readonly services?: readonly ProvidedService[];
}

/** What plugins left for the life that follows, by plugin. */
export type CarriedByPlugin = Readonly<Record<string, Variables>>;
