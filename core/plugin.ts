/**
 * The plugin contract, major 1: types, and three functions with no behaviour.
 *
 * A plugin is a frozen value. Nothing is registered by importing it; the agent reads the value, plans an order, and calls
 * `setup` with the one object through which the plugin reaches the process: {@linkcode PluginContext}.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import type { z } from "zod";

import type { RouteDescription } from "./http/route_description.ts";
import type { LogFields } from "./log_fields.ts";
import type { CheckSpec, CommandSpec, StartSpec } from "./plugin_commands.ts";
import type { ServiceClient, ServiceDescriptor, ServiceImplementation } from "./rpc/service.ts";
import type { Variables } from "./variables.ts";

export type {
  CountParameter,
  DescribedParameter,
  QueryParameter,
  QuerySpec,
  SwitchParameter,
  TextParameter,
} from "./http/query.ts";
export type {
  AnswerDescription,
  BodyDescription,
  MessageDescription,
  RouteDescription,
} from "./http/route_description.ts";
export type * from "./log_fields.ts";
export type * from "./plugin_commands.ts";
export type * from "./rpc/service.ts";
export type * from "./variables.ts";

/** The contract's major number, compared with {@linkcode PluginDefinition.api}. */
export const CONTRACT_MAJOR = 1;

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;
/** Anything a scope can release. */
export type Releasable = Disposable | AsyncDisposable | (() => Awaitable<void>);

declare const shape: unique symbol;

/** Names a service and fixes its shape. Two tokens are the same service when their ids are equal. */
export interface ServiceToken<Shape> {
  readonly kind: "service";
  /** `<plugin>/<name>`, with `@2` and up after a breaking change. */
  readonly id: string;
  readonly [shape]?: (value: Shape) => Shape;
}
/** A need the plugin can live without. */
export interface OptionalNeed<Shape> {
  readonly kind: "optional";
  readonly token: ServiceToken<Shape>;
}
/** A token whose shape does not matter to the reader. */
// deno-lint-ignore no-explicit-any
export type AnyToken = ServiceToken<any>;
/** A need whose shape does not matter to the reader. */
// deno-lint-ignore no-explicit-any
export type AnyNeed = AnyToken | OptionalNeed<any>;
/** What a plugin asks for, under the names it wants to use. */
export type Needs = Readonly<Record<string, AnyNeed>>;
/** `needs` after resolution; an optional need is `undefined` when nothing provides it. */
export type Resolved<N extends Needs> = {
  readonly [K in keyof N]: N[K] extends ServiceToken<infer S> ? S
    : N[K] extends OptionalNeed<infer S> ? S | undefined
    : never;
};

/** How far users may rely on a plugin. */
export type Stability = "experimental" | "beta" | "stable" | "deprecated";
/** What a plugin touches outside the process: everything, or a list of names. */
export type PluginPermissions = Partial<
  Record<"read" | "write" | "net" | "env" | "run" | "sys" | "ffi", true | readonly string[]>
>;

/** What `definePlugin` takes. Everything but `supported`, `setup` and `reconfigure` is data. */
export interface PluginDefinition<Config, N extends Needs> {
  /** `[a-z][a-z0-9-]{1,31}`; never reused for something else. */
  readonly id: string;
  /** The plugin's own semantic version. */
  readonly version: string;
  /** Major of this contract that the plugin was written for. */
  readonly api: 1;
  /** One sentence, shown by `outpost plugins`. */
  readonly summary: string;
  readonly stability: Stability;
  /** Set when `stability` is `"deprecated"`. */
  readonly deprecated?: { readonly since: string; readonly removedIn: string; readonly instead: string };
  /**
   * Last part of the route prefix `/api/v0/<mount>`; `id` when absent. A list claims exact first segments directly under
   * `/api/v0`; its routes are then registered from `/api/v0` on. Two claims on one segment refuse the start.
   */
  readonly mount?: string | readonly string[];
  /** Whether the plugin runs when the configuration does not mention it. Default `true`. */
  readonly enabledByDefault?: boolean;
  /** Strict object schema; every field described, every limit defaulted. */
  readonly config?: z.ZodType<Config>;
  readonly needs?: N;
  readonly provides?: readonly AnyToken[];
  /** What the plugin touches outside the process. Feeds the build's flags and the test kit's sandbox. */
  readonly permissions?: PluginPermissions;
  /** Pure: no I/O. A reason turns the plugin into `skipped`, not `failed`. */
  supported?(host: HostFacts): true | { readonly reason: string };
  /** Registers everything; takes resources; returns within the deadline. Long work belongs into `tasks` or `onStart`. */
  setup(ctx: PluginContext<Config, N>): Awaitable<void>;
  /** Commands this plugin adds to the binary. */
  readonly commands?: readonly CommandSpec[];
  /** Commands of this plugin that start the agent, in the words of another program. @since 0.1 */
  readonly starts?: readonly StartSpec[];
  /** Checks this plugin adds to `outpost doctor`. */
  readonly checks?: readonly CheckSpec[];
  /**
   * In-place change of configuration; absent: the plugin gets a new life instead, and so do those who use it. All or nothing:
   * what throws has changed nothing, and so has what returns `"restart"`, which asks for a new life because this change cannot
   * be made in place. `ctx.config` still shows the old settings, and the new ones once this has returned; it may be called
   * again with the old ones, when another plugin refuses its part of the change.
   */
  reconfigure?(ctx: PluginContext<Config, N>, next: Readonly<Config>): Awaitable<void | "restart">;
}

/** Facts known before plugin code runs. */
export interface HostFacts {
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "x86_64" | "aarch64";
  readonly agentVersion: string;
  /** Version of the Deno that runs the agent; a compiled binary can hold another one than made it. */
  readonly denoVersion: string;
  /**
   * Program and first arguments that run this binary's commands, for children that shall call back. Absent when the agent is embedded in a
   * program that has none. @since 0.1
   */
  readonly commandLine?: readonly [program: string, ...args: string[]];
}

/** The one object a plugin gets. Every member is bound to this plugin and closes with it. */
export interface PluginContext<Config, N extends Needs> {
  readonly plugin: { readonly id: string; readonly version: string };
  readonly host: HostFacts;
  /** Settings in force. Another object after `reconfigure`; without it, one for the whole life. */
  readonly config: Readonly<Config>;
  readonly services: Resolved<N>;
  readonly log: Logger;
  /** Aborted when the plugin starts to stop; `reason` says why. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly routes: Routes;
  readonly metrics: Metrics;
  readonly hooks: Hooks;
  readonly env: Env;
  readonly exec: Exec;
  readonly socket: Socket;
  readonly rpc: Rpc;
  readonly health: Health;
  readonly tasks: Tasks;
  readonly renewal: Renewal;
  /** Hands out a service that `provides` lists. */
  provide<S>(token: ServiceToken<S>, service: S): void;
  /**
   * Tells users of this agent what the plugin offers: `GET /api/v0/info` shows capabilities and limits, `GET /api/v0/status` and the listening
   * line show addresses.
   */
  announce(facts: Announcement): void;
  /** Releases `resource` when the plugin stops, newest first. Returns it for `const x = ctx.defer(open())`. */
  defer<R extends Releasable>(resource: R): R;
}

/** What a plugin offers, for programs that adapt to it. Later calls add to earlier ones. */
export interface Announcement {
  /** Features a client may rely on, such as `"processes.wait"`. */
  readonly capabilities?: readonly string[];
  /** Limits in force, by name with its unit (`maxProcesses`, `headBytes`). */
  readonly limits?: Readonly<Record<string, number>>;
  /** Addresses the plugin itself listens on; they join the listening line (`ssh: "127.0.0.1:2222"`). */
  readonly addresses?: Readonly<Record<string, string>>;
}

/** Structured logging, tagged with the plugin id. Messages are constants in lower case; what varies is a field. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
/** Time that a test can move. */
export interface Clock {
  /** Milliseconds since the epoch. Jumps when somebody sets the machine's clock: for durations see {@linkcode elapsed}. */
  now(): number;
  /** Milliseconds since some moment, which never jump and never run backwards. Absent where {@linkcode now} does as well. */
  elapsed?(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Limits of one WebSocket route. */
export interface WebSocketOptions {
  /** Ping every 15 s, close with 1001 when nothing came back for 15 s. Default `true`. */
  readonly heartbeat?: boolean;
  /** Longest message accepted, in bytes; a longer one closes with 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes queued in either direction before the channel closes with 1009. Default 8 MiB. */
  readonly maxQueuedBytes?: number;
}
/** Answers with a plain HTTP response, or takes the upgraded channel. */
export type WebSocketOpener = (c: Context) => Awaitable<Response | ((socket: SocketChannel) => Awaitable<void>)>;
/** Limits of the requests under one path, where the agent's defaults do not fit. */
export interface RouteLimits {
  /** Largest body, in bytes; a larger one gets 413. `Infinity` for streamed uploads. */
  readonly maxBodyBytes?: number;
  /** Time until the handler must have answered, in milliseconds; then 503. `Infinity` for replies that wait. */
  readonly handlerMs?: number;
  /** Whether requests are answered while the plugin drains too, for what others still need at the end. Default `false`: 503. @since 0.1 */
  readonly whileDraining?: boolean;
}
/** HTTP and WebSocket routes under the plugin's prefix. */
export interface Routes {
  /** Register ordinary Hono handlers here; paths are relative to the prefix. */
  readonly app: Hono;
  /**
   * Two steps: `open` may still answer with a plain HTTP status (401, 404, 500 …); returning a function upgrades and hands
   * over the channel. Every open channel is closed with 1001 when the plugin drains.
   */
  webSocket(path: string, open: WebSocketOpener, options?: WebSocketOptions): void;
  /** Sets limits for one path (a Hono pattern, relative to the prefix). */
  limit(path: string, limits: RouteLimits): void;
  /**
   * Describes the routes for `GET /api/v0/openapi.json`. `load` runs when somebody asks for the document, so that
   * descriptions cost nothing at start: `describe(async () => (await import("./api.ts")).description)`.
   */
  describe(load: () => Awaitable<readonly RouteDescription[]>): void;
}
/**
 * One WebSocket, the same on every server: messages as an async iterable, `send` that waits for the peer, bounded queues
 * (over `maxQueuedBytes` the channel closes with 1009), one `closed` promise with code and reason.
 */
export interface SocketChannel extends AsyncIterable<string | Uint8Array> {
  /** Resolves when the message may be followed by another; rejects when the channel is closed. */
  send(message: string | Uint8Array): Promise<void>;
  close(code?: number, reason?: string): void;
  /** Never rejects. A connection cut without a close frame reports 1006. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Aborted when the channel closes. */
  readonly signal: AbortSignal;
}

/** Metrics named `agent_<plugin>_<name>`, gone when the plugin is. */
export interface Metrics {
  /** Prometheus text exposition 0.0.4 of all metrics of the agent. @since 0.1 */
  agentText(): Promise<string>;
  counter<const L extends Labels = NoLabels>(name: `${string}_total`, spec: MetricSpec<L>): Counter<L>;
  gauge<const L extends Labels = NoLabels>(name: string, spec: MetricSpec<L>): Gauge<L>;
  histogram<const L extends Labels = NoLabels>(
    name: `${string}_${"seconds" | "bytes"}`,
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): Histogram<L>;
  /** Every counter and gauge of the whole agent with its value of now. A plugin that does not answer in time is left out, and so are attached ones. */
  gather(): Promise<readonly GatheredMetric[]>;
}
/** One series of {@linkcode Metrics.gather}. */
export interface GatheredMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
/** Allowed values per label. Closed sets keep cardinality bounded and are checked by the compiler. */
export type Labels = Readonly<Record<string, readonly string[]>>;
/** Help text and labels. */
export interface MetricSpec<L extends Labels> {
  /** What a rise means and what to do about it. */
  readonly help: string;
  readonly labels?: L;
  /** A name fixed by another system's dashboards, listed in the plugin's README. */
  readonly exactName?: string;
}
/** No labels at all. */
// deno-lint-ignore ban-types
export type NoLabels = {};
/** One value per label. */
export type LabelValues<L extends Labels> = { readonly [K in keyof L]: L[K][number] };
/** The labels argument: absent when there are no labels. */
export type LabelArgs<L extends Labels> = keyof L extends never ? [] : [labels: LabelValues<L>];
/** Counts up. */
export interface Counter<L extends Labels> {
  inc(...labels: LabelArgs<L>): void;
  add(by: number, ...labels: LabelArgs<L>): void;
}
/** Goes both ways. */
export interface Gauge<L extends Labels> {
  set(value: number, ...labels: LabelArgs<L>): void;
  add(by: number, ...labels: LabelArgs<L>): void;
  /** Read at each scrape. */
  collect(read: () => Awaitable<number>, ...labels: LabelArgs<L>): void;
}
/** Counts observations in buckets. */
export interface Histogram<L extends Labels> {
  observe(value: number, ...labels: LabelArgs<L>): void;
}

/** Moments of the running life. */
export interface Hooks {
  /** After every plugin was set up, before the agent listens. A throw fails this plugin. */
  onStart(fn: (signal: AbortSignal) => Awaitable<void>): void;
  /** After the agent listens. A throw is logged; the plugin stays. */
  onReady(fn: () => Awaitable<void>): void;
  /** A stop was decided; nothing drains yet. Called for all plugins at once; must return at once. @since 0.1 */
  onStopping(fn: (reason: string) => void): void;
  /** New work is already refused; finish or hand over what is in flight. */
  onDrain(fn: (signal: AbortSignal) => Awaitable<void>, options?: { readonly deadlineMs?: number }): void;
  /** Shutdown hook: after the drain, newest first, each within the stop deadline. For resources prefer `ctx.defer`. */
  onShutdown(fn: () => Awaitable<void>): void;
}
/** What one child's environment adds to the agent's. */
export interface EnvironmentLayers {
  /** Session variables: above the agent's own environment, below everything the agent injects. */
  readonly base?: Variables;
  /** Above everything: the variables of one request. */
  readonly overrides?: Variables;
}
/** Environment for child processes. The only way to build one. */
export interface Env {
  /** Absolute path of the directory in front of `PATH`: programs that scripts put there are found by every child. */
  readonly scriptBinDirectory: string;
  /**
   * Adds variables to every child the agent starts. `base` is what the layers below made; `own` are the agent's variables as children inherit
   * them, without its tokens.
   */
  contribute(name: string, fn: (base: Variables, own: Variables) => Awaitable<Variables>): void;
  /**
   * process < `base` < core < manifest < secrets < plugins in dependency order < `overrides`. `PATH` gets the script binary
   * directory in front. A contributor that throws is logged and left out.
   */
  build(layers?: EnvironmentLayers): Promise<Record<string, string>>;
}

/** What to start and how. */
export interface SpawnOptions {
  /** Program and arguments, or one line for `sh -c`. */
  readonly command: readonly [string, ...string[]] | string;
  /** Absolute working directory. Default: {@linkcode Exec.directory}. */
  readonly cwd?: string;
  readonly env?: EnvironmentLayers;
  /** Default `"null"`: the child reads end-of-file at once. */
  readonly stdin?: "null" | "piped";
  /**
   * `"merged"` (default) gives stdout and stderr one pipe, so that their order is kept; `"separate"` gives two, which
   * cannot keep order across streams.
   */
  readonly output?: "merged" | "separate";
  /**
   * Starts the child on a pseudo terminal of this size, as the leader of a session that the terminal controls. Input is then
   * always piped and output always merged; `TERM` comes from the environment. Needs the permission `ffi`.
   */
  readonly pty?: PtySize;
  /** What the child and its descendants may use. The configuration's own limits hold beside these. */
  readonly limits?: ResourceLimits;
  /** Kills the whole group with SIGKILL when aborted. */
  readonly signal?: AbortSignal;
}
/** What one command, with everything it starts, may use. Absent means unlimited. */
export interface ResourceLimits {
  /** Memory, in bytes. Who needs more is killed by the kernel, or fails to get it: see {@linkcode LimitEnforcement}. */
  readonly memoryBytes?: number;
  /** Processor time, in processors: 0.5 is half of one. */
  readonly cpus?: number;
  /** Files open at once, in each process. */
  readonly openFiles?: number;
}
/** What holds a command to its limits on this machine. Each is absent when nothing was to be limited. */
export interface LimitEnforcement {
  /**
   * A control group counts the whole command and kills in it. `"rlimit"` bounds the address space of each process instead, so
   * that programs which reserve much more than they use fail early.
   */
  readonly memory?: "cgroup2" | "cgroup1" | "rlimit";
  /** `"none"`: nothing holds it, because only a control group could. */
  readonly cpu?: "cgroup2" | "cgroup1" | "none";
  readonly openFiles?: "rlimit";
}
/** Size of a terminal, in characters; values outside 1 to 65535 are brought into that range. */
export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}
/** The terminal of a child that was started with {@linkcode SpawnOptions.pty}. */
export interface ChildTerminal {
  /** Path of the child's device, such as `/dev/pts/3`. */
  readonly device: string;
  /** Tells the child its new size; does nothing after the end. */
  resize(size: PtySize): void;
  /** Takes the terminal away: the kernel sends SIGHUP to whoever has it. Twice is once. */
  close(): Promise<void>;
}
/** How a process ended. */
export interface ExitStatus {
  /** Exit code; `null` when a signal ended the process. */
  readonly code: number | null;
  readonly signal: Deno.Signal | null;
  /**
   * Present when the kernel killed the process, or one that it started, for want of memory. Certain for a command with a memory
   * limit in a control group; otherwise concluded from a SIGKILL that nobody here sent while the kernel ran out of memory.
   */
  readonly oom?: true;
}
/** A running child process, leader of its own process group. */
export interface Child {
  readonly pid: number;
  /** What holds it to its limits; absent when it has none. */
  readonly limits?: LimitEnforcement;
  /** Present with `pty`. */
  readonly terminal?: ChildTerminal;
  /** Present with `stdin: "piped"` and with `pty`, where closing it does not end the input. */
  readonly stdin: WritableStream<Uint8Array> | null;
  /** Merged output, or stdout alone. Read it to the end: a full pipe stops the child. */
  readonly output: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Present with `output: "separate"`. */
  readonly errors: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** What Linux's `/proc` calls the pipes behind `output` and `errors`, as far as it could be seen at the start. */
  readonly pipes?: { readonly output?: string; readonly errors?: string };
  /** The main process's own end, whatever its children keep open. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Signals the whole group. Returns `false` when nothing of it is left. */
  kill(signal: Deno.Signal): boolean;
  /**
   * Kills the group and, on Linux, everything else that came from this child, whatever group or session it went to, and
   * resolves when that is gone, after 2 seconds at most. Also after the child's own end. Never rejects.
   */
  killTree(): Promise<KilledTree>;
}
/** What {@linkcode Child.killTree} did. Both lists are empty where there is no Linux `/proc`. */
export interface KilledTree {
  /** Whether anything was left to kill. */
  readonly found: boolean;
  /** Process ids that were alive and are gone. */
  readonly ended: readonly number[];
  /** Process ids that were still there at the end: of another user, or held by the kernel. */
  readonly survivors: readonly number[];
}
/** Child processes. The only way to start one: environment from `env`, own process group, nice and OOM score from the agent. */
export interface Exec {
  /**
   * Starts a child. Its group is killed when the plugin stops.
   *
   * @throws {SpawnError} When the program or the directory is missing or not usable.
   */
  spawn(options: SpawnOptions): Promise<Child>;
  /**
   * Names the directory for children when neither a request nor the configuration does; `undefined` takes it back, and so
   * does the plugin's end. For the one plugin that knows it.
   */
  suggestDirectory(path: string | undefined): void;
  /**
   * The first usable of: `requested`, the configured directory, a suggested one, the home directory. An unusable
   * `requested` is returned as it is, so that the start names it.
   */
  directory(requested?: string): Promise<string>;
}
/** A service's description, or how to load it: protobuf costs an agent 50 ms and 17 MB, which it need not spend before somebody calls. */
export type DescriptorSource<S extends ServiceDescriptor> = S | (() => Promise<S>);
/** Listeners beside the agent's own. */
export interface Socket {
  /**
   * Serves a protobuf service, described by generated code, on the agent socket (dRPC), until the plugin stops. A method that is left
   * out answers "Unimplemented".
   *
   * @example
   * ctx.socket.service(async () => (await import("./gen/greeter_pb.ts")).Greeter, { greet: ({ name }) => ({ text: `Hello ${name}` }) });
   */
  service<S extends ServiceDescriptor>(service: DescriptorSource<S>, implementation: ServiceImplementation<S>): void;
  /**
   * An HTTP listener of the plugin's own, for what everybody on this machine may ask: it knows no token. On a loopback address, `Host` has to
   * be loopback or configured. Closed with the plugin. Resolves to the address, as `http://127.0.0.1:2112`. @since 0.1
   *
   * @param address `HOST:PORT`; port 0 takes a free one.
   * @throws {Deno.errors.AddrInUse} When the port is taken, for a second or longer; other errors of the system at once.
   * @throws {TypeError} When it is no such address.
   */
  http(address: string, answer: (request: Request) => Awaitable<Response>): Promise<string>;
  /**
   * A private Unix listener: socket 0600; a missing parent is created 0700, an existing one is never changed; a stale file
   * is probed and removed; closed with the plugin.
   */
  listen(path: string, accept: (connection: Deno.UnixConn, signal: AbortSignal) => Promise<void>): Promise<void>;
}
/** When a routine of {@linkcode Rpc.whileConnected} ends. */
export interface RpcRoutineOptions {
  /**
   * `"drain"` (default) ends the work when the agent begins to stop; `"stop"` keeps it until the plugin stops, for last logs and last
   * states.
   */
  readonly until?: "drain" | "stop";
}
/** Work for one connection. Return when there is nothing left to do for it. Calls through `rpc` end when `signal` aborts. */
export type RpcRoutine = (rpc: Rpc, signal: AbortSignal) => Promise<void>;
/** The connection to the control plane, which comes and goes. */
export interface Rpc {
  /** Whether there is a control plane to connect to. Without one nothing needs to be kept for it. @since 0.1 */
  readonly isConfigured: boolean;
  /**
   * A typed client of a protobuf service (`ctx.rpc.client(Agent)`). It can be made at any time and kept; its calls throw
   * {@linkcode RpcUnavailableError} while disconnected, when the agreed version lacks the method, and when the connection is lost before the
   * answer. They throw {@linkcode RpcError} when the control plane answers with an error.
   */
  client<S extends ServiceDescriptor>(service: S): ServiceClient<S>;
  /**
   * Runs `work` for each connection, also for one that is there already. The signal aborts when the connection is lost, and as
   * `until` says. A throw before that ends the connection, and a new one is made; afterwards it means nothing.
   */
  whileConnected(name: string, work: RpcRoutine, options?: RpcRoutineOptions): void;
  /**
   * Asks the control plane over plain HTTP, as this agent: with its token and the configured headers. Works whether the connection stands or
   * not. `path` starts with `/` and joins the control plane's address. Redirects are not followed: the token is for one place. @since 0.1
   *
   * @throws {RpcUnavailableError} When no control plane is configured, it has no token, or it cannot be reached.
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * The agent's token as it is now, for programs of the workspace that have to prove themselves as this agent. @since 0.1
   *
   * @throws {RpcUnavailableError} When no control plane is configured, or it has no token.
   */
  token(): Promise<string>;
}
/** Another life of the whole agent, in the same process. @since 0.1 */
export interface Renewal {
  /** What this plugin's life before handed to {@linkcode Renewal.request}; empty at first. Outlives plugins, not the process. */
  readonly carried: Variables;
  /**
   * Asks for the agent's life to end in good order, and for another one to begin with the same configuration. Whoever runs the agent decides:
   * the command line does it. Does nothing when the agent stops already.
   */
  request(reason: string, carry?: Variables): void;
}
/** What the plugin says about itself. */
export interface Health {
  ok(): void;
  degraded(reason: string): void;
}
/** Background work that ends with the plugin. */
export interface Tasks {
  /** `work` gets a signal that aborts when the plugin stops. A throw degrades the plugin, or restarts `work` when allowed. */
  run(
    name: string,
    work: (signal: AbortSignal) => Promise<void>,
    options?: { readonly restart?: "never" | { readonly maxPerHour: number } },
  ): void;
  /** Runs `work` every `ms`, never twice at once. */
  every(name: string, ms: number, work: (signal: AbortSignal) => Awaitable<void>): void;
}

/** A definition ready to be listed. Opaque on purpose: only the core reads the rest. */
export interface Plugin {
  readonly id: string;
  readonly version: string;
  readonly api: number;
}

/** Declares a service. */
export function defineService<Shape>(id: string): ServiceToken<Shape> {
  return Object.freeze({ kind: "service" as const, id });
}
/** Marks a need as optional. */
export function optional<Shape>(token: ServiceToken<Shape>): OptionalNeed<Shape> {
  return Object.freeze({ kind: "optional" as const, token });
}
/**
 * Declares a plugin. Freezes and returns it: nothing is registered anywhere.
 *
 * Give `config` its type (`z.ZodType<MyConfig>`) instead of passing type arguments, which would lose the inferred needs.
 */
export function definePlugin<Config = Record<never, never>, const N extends Needs = Record<never, never>>(
  definition: PluginDefinition<Config, N>,
): Plugin {
  return Object.freeze(definition);
}
