/**
 * Errors that callers are expected to tell apart, and every code that may appear in an error body.
 *
 * @module
 */

/**
 * Codes of error bodies and error classes. A code is never reused for something else; a retired one stays listed with a
 * note.
 */
export const ERROR_CODES = {
  bad_request: "the request is malformed",
  validation_failed: "a field of the request is wrong; `validations` says which",
  unauthorized: "the API token is missing or wrong",
  forbidden_host: "the Host header names neither loopback nor a configured host",
  forbidden_origin: "the request comes from a web page of another origin",
  not_found: "no such route or object",
  method_not_allowed: "the path exists, but not with this method",
  conflict: "the object is in a state that does not allow this",
  body_too_large: "the request body is over the limit",
  client_gone: "the client closed the connection before the answer; for metrics and logs, as nobody reads it",
  handler_timeout: "the handler did not answer in time",
  too_many_requests: "a concurrency limit is reached",
  internal: "an unexpected error; the agent's log has the details under the request id",
  plugin_disabled: "the plugin is switched off in the configuration",
  plugin_skipped: "the plugin does not run here",
  plugin_failed: "the plugin could not be started",
  plugin_starting: "the plugin is being started",
  plugin_draining: "the plugin is being stopped",
  plugin_unreachable: "a plugin that is a program of its own does not answer on its socket",
  plugin_error: "plugin code failed",
  attached_plugin: "a plugin that is a program of its own could not be started, or ended while it was needed",
  scope_closed: "a stopped plugin tried to register something",
  spawn_failed: "a child process could not be started",
  config_invalid: "the configuration has problems",
  reload_refused:
    "the configuration was not reloaded, as it would end processes and was not forced, or there is nothing to read",
  reload_failed: "a plugin did not take the new configuration; the one before is in force again",
  agent_not_found: "no running agent was found",
  process_limit: "the process limit is reached",
  rpc_unavailable: "the control plane cannot be called now, or does not know the call",
  rpc_error: "the other side of an RPC connection answered with an error",
  rpc_canceled: "the RPC call was cancelled",
  rpc_closed: "the RPC connection or call ended",
  rpc_dial_failed: "the control plane refused the connection or could not be reached",
  drpc_protocol_error: "the other side of an RPC connection broke the protocol",
  stream_closed: "a byte stream was used after it was closed",
  websocket_closed: "a WebSocket was closed with an error code",
} as const;
/** One of {@linkcode ERROR_CODES}, or a plugin's own `<plugin>_<condition>`. */
export type ErrorCode = keyof typeof ERROR_CODES | (string & Record<never, never>);

/** One field of a request that is wrong. */
export interface Validation {
  /** Path of the field: `files[0].path`, or a query parameter's name. */
  readonly field: string;
  /** What is wrong with it and what was expected. */
  readonly detail: string;
}
/** The one shape of every error body. */
export interface ProblemBody {
  readonly message: string;
  readonly detail?: string;
  readonly validations?: readonly Validation[];
  readonly code: ErrorCode;
  readonly plugin?: string;
  readonly requestId?: string;
}

/** What {@linkcode HttpProblem} takes beside its status and message. */
export interface HttpProblemOptions {
  /** Default: the code that belongs to the status. */
  readonly code?: ErrorCode;
  /** The underlying error's text. Never a secret. */
  readonly detail?: string;
  readonly validations?: readonly Validation[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that knows its own response. Throw it anywhere below a route. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly code: ErrorCode;
  readonly detail?: string;
  readonly validations?: readonly Validation[];
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param status HTTP status, 400 to 599.
   * @param message What could not be done, for a person.
   */
  constructor(readonly status: number, message: string, options: HttpProblemOptions = {}) {
    super(message, { cause: options.cause });
    this.code = options.code ?? CODE_OF_STATUS[status] ?? (status >= 500 ? "internal" : "bad_request");
    this.detail = options.detail;
    this.validations = options.validations;
    this.headers = options.headers ?? {};
  }
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "bad_request",
  401: "unauthorized",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "body_too_large",
  429: "too_many_requests",
};

/** Where in a plugin's life its code was running. */
export type PluginPhase =
  | "supported"
  | "setup"
  | "start"
  | "ready"
  | "route"
  | "webSocket"
  | "task"
  | "collect"
  | "environment"
  | "service"
  | "reconfigure"
  | "drain"
  | "stop"
  | "unhandled";

/** Every error that leaves plugin code: who, in which phase, and why. */
export class PluginError extends Error {
  override readonly name = "PluginError";
  readonly code = "plugin_error";

  constructor(readonly plugin: string, readonly phase: PluginPhase, override readonly cause: unknown) {
    super(`Plugin "${plugin}" failed in ${phase}: ${messageOf(cause)}`, { cause });
  }
}

/** A deadline of the lifecycle passed. The innermost one is what people read. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";

  /** @param what What was being done, such as `setup of plugin "agentgit"`. */
  constructor(readonly what: string, readonly deadlineMs: number) {
    super(`Cannot finish ${what}: deadline is ${Math.round(deadlineMs)} ms`);
  }
}

/** A plugin tried to use its context after its scope was closed. What it wanted was refused. */
export class ScopeClosedError extends Error {
  override readonly name = "ScopeClosedError";
  readonly code = "scope_closed";

  constructor(readonly plugin: string, readonly wanted: string) {
    super(`Cannot ${wanted}: plugin "${plugin}" is stopped`);
  }
}

/** A child process could not be started: the program or its directory is missing or not usable. */
export class SpawnError extends Error {
  override readonly name = "SpawnError";
  readonly code = "spawn_failed";

  constructor(message: string, readonly program: string, readonly cwd: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** One problem of a configuration. */
export interface ConfigProblem {
  /** Path in the configuration: `plugins.agentproc.config.maxProcesses`. Empty for the file itself. */
  readonly path: string;
  /** What is wrong, the values, and what to do. */
  readonly message: string;
  /** Where the value came from: a file's path, `--set`, or `plugins` for the built-in list. */
  readonly source?: string;
}
/** What cannot be done because of a problem, and in what it is. */
export interface ConfigErrorSubject {
  /** Default: `start`. */
  readonly cannot?: string;
  /** Default: `the configuration`. */
  readonly place?: string;
}
/** The configuration or the plan has problems; all of them are listed at once. The process exits with 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "config_invalid";

  constructor(
    readonly problems: readonly ConfigProblem[],
    { cannot = "start", place = "the configuration" }: ConfigErrorSubject = {},
  ) {
    super(
      [
        `Cannot ${cannot}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`} in ${place}`,
        ...problems.map(describeProblem),
      ].join("\n"),
    );
  }
}

function describeProblem(problem: ConfigProblem): string {
  const where = [problem.source, problem.path].filter((part) => part).join(": ");
  return where === "" ? `  ${problem.message}` : `  ${where}: ${problem.message}`;
}

/** No running agent answers on the Unix sockets that were tried. */
export class AgentNotFoundError extends Error {
  override readonly name = "AgentNotFoundError";
  readonly code = "agent_not_found";

  constructor(readonly tried: readonly string[]) {
    super(`Cannot find a running agent: tried ${tried.map((path) => `"${path}"`).join(", ") || "no socket"}`);
  }
}

/** Why the control plane cannot be called. */
export type RpcUnavailableReason = "not_configured" | "disconnected" | "stopping" | "lost" | "version";

/** A call to the control plane could not be made, or its connection was lost before the answer. */
export class RpcUnavailableError extends Error {
  override readonly name = "RpcUnavailableError";
  readonly code = "rpc_unavailable";

  /**
   * @param method Name of the method that was called.
   * @param detail What exactly, after the reason: versions, for instance.
   */
  constructor(
    readonly method: string,
    readonly reason: RpcUnavailableReason,
    detail?: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot call "${method}": ${detail ?? UNAVAILABLE[reason]}`, options);
  }
}

const UNAVAILABLE: Readonly<Record<RpcUnavailableReason, string>> = {
  not_configured: "no control plane is configured",
  disconnected: "the agent is not connected to the control plane",
  stopping: "the agent stops and does not connect again",
  lost: "the connection was lost before the answer; the control plane may have done it",
  version: "the control plane is too old",
};

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Anything that was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
