/**
 * Outpost: a workspace agent made of plugins. Everything a plugin or an embedding program needs, and nothing else.
 *
 * @module
 */
export { Agent, type AgentOptions, createAgent, type ExitReport } from "./core/agent.ts";
export {
  AgentNotFoundError,
  ConfigError,
  type ConfigProblem,
  DeadlineError,
  ERROR_CODES,
  type ErrorCode,
  HttpProblem,
  type HttpProblemOptions,
  PluginError,
  type PluginPhase,
  type ProblemBody,
  ScopeClosedError,
  SpawnError,
  type Validation,
} from "./core/errors.ts";
export { definePlugin, defineService, optional } from "./core/plugin.ts";
export type * from "./core/plugin.ts";
export { type PluginStatus } from "./core/plugin_status.ts";
export { type ProvidedService } from "./core/services.ts";
