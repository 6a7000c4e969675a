/**
 * Outpost: a workspace agent made of plugins. Everything a plugin or an embedding program needs, and nothing else.
 *
 * @module
 */
export {
  Agent,
  type AgentOptions,
  type CarriedByPlugin,
  createAgent,
  type ExitReport,
  type ReloadOptions,
} from "./core/agent.ts";
export type { AgentSettings } from "./core/config/agent_settings.ts";
export type { LoadedConfig } from "./core/config/loaded_config.ts";
export type { AttachedEntry, FailurePolicy, PluginEntry } from "./core/config/plugin_entry.ts";
export { Secret } from "./core/config/secret.ts";
export {
  AgentNotFoundError,
  ConfigError,
  type ConfigErrorSubject,
  type ConfigProblem,
  DeadlineError,
  ERROR_CODES,
  type ErrorCode,
  HttpProblem,
  type HttpProblemOptions,
  PluginError,
  type PluginPhase,
  type ProblemBody,
  RpcUnavailableError,
  type RpcUnavailableReason,
  ScopeClosedError,
  SpawnError,
  type Validation,
} from "./core/errors.ts";
export type { Connection, FrontDoor } from "./core/http/front_door.ts";
export type { SocketEvents, SocketTransport, UpgradeOptions, UpgradeWebSocket } from "./core/http/socket_transport.ts";
export { type State, STATES } from "./core/lifecycle.ts";
export type { BuildInfo, Note } from "./core/load_plan.ts";
export type { LogFormat, LogLevel, LogSink } from "./core/log.ts";
export { definePlugin, defineService, optional } from "./core/plugin.ts";
export type * from "./core/plugin.ts";
export type { Unfinished } from "./core/plugin_steps.ts";
export { type NeedStatus, type PluginStatus } from "./core/plugin_status.ts";
export type { ApiVersion } from "./core/rpc/api_version.ts";
export type { CallStream, RpcChannel } from "./core/rpc/drpc/client.ts";
export { RpcError } from "./core/rpc/drpc/error.ts";
export type { RpcLink } from "./core/rpc/link.ts";
export {
  type ReloadAction,
  type ReloadedPlugin,
  type ReloadedSetting,
  ReloadError,
  type ReloadErrorCode,
  type ReloadReport,
} from "./core/reload/reload_report.ts";
export { type ProvidedService } from "./core/services.ts";
