/**
 * Types of the agent's API. Written by `deno task client-types` from `/api/v0/openapi.json`; do not edit.
 *
 * @module
 */
/** No parameters of this kind. */
export type None = Readonly<Record<never, never>>;
/** Bytes of any kind, sent or received as a stream. */
export type Bytes = ReadableStream<Uint8Array>;

/** AgentInfo, as it is sent. */
export interface AgentInfo {
  readonly name: string;
  readonly version: string;
  /** Version of the API, part of every path. */
  readonly api: string;
  readonly plugins: readonly PluginInfo[];
  /** Features a client may rely on. */
  readonly capabilities: readonly string[];
  /** Limits in force, by plugin. */
  readonly limits: { readonly [name: string]: { readonly [name: string]: unknown } };
}

/** AgentStatus, as it is sent. */
export interface AgentStatus {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  /** RFC 3339 time. */
  readonly started_at: string;
  readonly uptime_seconds: number;
  /** Resident memory of the agent's process. */
  readonly memory_bytes: number;
  /** Whether the start is complete and no stop was asked for. */
  readonly ready: boolean;
  /** Where the agent and its plugins listen, by name. */
  readonly addresses: { readonly [name: string]: string };
  readonly control_plane: {
    /** `off`: none is configured. */
    readonly state: "off" | "connecting" | "connected" | "waiting" | "stopped";
    /** Version of the agent API, while connected. */
    readonly version?: string;
    /** Why the last attempt or connection ended. */
    readonly last_error?: string;
  };
  readonly plugins: readonly {
    readonly id: string;
    /** State of the plugin's life, such as `running` or `failed`. */
    readonly state: string;
    readonly reason?: string;
  }[];
}

/** CallTool, as it is sent. */
export interface CallTool {
  /** As `GET /tools` lists it. */
  readonly tool_name: string;
  /** As the tool's schema says. */
  readonly arguments?: { readonly [name: string]: unknown } | null;
}

/** ChangedFile, as it is sent. */
export interface ChangedFile {
  /** Relative to the top. */
  readonly path: string;
  /** Index and working tree, as `git status --short` shows them. */
  readonly status: string;
  /** Bytes of the file now. */
  readonly size?: number;
  readonly binary: boolean;
}

/** ClosedEvent, as it is sent. */
export interface ClosedEvent {
  readonly output_bytes: number;
}

/** DesktopActionResult, as it is sent. */
export interface DesktopActionResult {
  /** What was done, or where the pointer is (`x=1,y=2`). */
  readonly output: string;
  /** Base64. */
  readonly screenshot_data?: string;
  readonly screenshot_width?: number;
  readonly screenshot_height?: number;
  /** Media type of the data, unless it is `image/png`. */
  readonly screenshot_type?: string;
  /** Of the picture, for `if_changed_from`. */
  readonly screenshot_hash?: string;
  /** The screen shows what the caller has; there is no data. */
  readonly screenshot_unchanged?: true;
  /** Counts changes of hands; send it back with input that was decided by this answer. */
  readonly epoch: number;
}

/** DesktopHeld, as it is sent. */
export interface DesktopHeld {
  readonly message: string;
  readonly detail: string;
  readonly code: "desktop_held";
  readonly plugin: string;
  /** Counts changes of hands; send it back with input that was decided by this answer. */
  readonly epoch: number;
  readonly holder: DesktopHolder;
}

/** DesktopHolder, as it is sent. */
export interface DesktopHolder {
  readonly name: string;
  readonly since: string;
  /** When the hold ends unless there is more input. */
  readonly until: string;
}

/** DesktopLease, as it is sent. */
export interface DesktopLease {
  /** Counts changes of hands; send it back with input that was decided by this answer. */
  readonly epoch: number;
  readonly held_by: "agents" | "person";
  /** Present while a person holds it. */
  readonly holder?: DesktopHolder;
  /** Whether the desktop runs; it is started by its first use. */
  readonly running: boolean;
  readonly viewers: readonly {
    readonly name: string;
    readonly view_only: boolean;
  }[];
  /** What an agent did last. */
  readonly last_action?: {
    readonly action: string;
    readonly at: string;
  };
  /** The last time a person gave it back. */
  readonly hand_back?: {
    readonly at: string;
    readonly how: "request" | "idle" | "ended";
    readonly name: string;
    /** What the person left to be known. */
    readonly note: string;
    /** The screen as it was handed over: PNG in base64. */
    readonly screenshot_data?: string;
  };
}

/** DirectoryEntry, as it is sent. */
export interface DirectoryEntry {
  readonly name: string;
  readonly absolute_path_string: string;
  /** `false` for a symbolic link to a directory. */
  readonly is_dir: boolean;
}

/** DirectoryListing, as it is sent. */
export interface DirectoryListing {
  /** Components of the path. */
  readonly absolute_path: readonly string[];
  readonly absolute_path_string: string;
  /** Directories first. */
  readonly contents: readonly DirectoryEntry[];
}

/** EditFiles, as it is sent. */
export interface EditFiles {
  /** Each file once. */
  readonly files: readonly FileEdits[] | null;
  /** Whether the answer holds a unified diff per file. */
  readonly include_diff?: boolean | null;
}

/** EditedFiles, as it is sent. */
export interface EditedFiles {
  /** Unified diffs in the order of the request, when they were asked for. */
  readonly files?: readonly FileDiff[];
}

/** ExternalAuth, as it is sent. */
export interface ExternalAuth {
  /** Where a person signs in; empty when there are credentials. */
  readonly url?: string;
  /** User name for git; where a token alone is enough, the token. */
  readonly username?: string;
  /** Password for git; empty where a token alone is enough. */
  readonly password?: string;
  /** The bare token, for other programs than git. */
  readonly access_token?: string;
  /** Kind of the provider, such as github. */
  readonly type?: string;
}

/** FileDiff, as it is sent. */
export interface FileDiff {
  readonly path: string;
  readonly diff: string;
}

/** FileEdits, as it is sent. */
export interface FileEdits {
  /** Absolute path. */
  readonly path: string;
  /** In order, each on the result of the one before. */
  readonly edits: readonly TextEdit[] | null;
  /** Version the file must have: an `ETag`. */
  readonly if_match?: string | null;
}

/** FileLines, as it is sent. */
export interface FileLines {
  readonly success: boolean;
  /** Why it did not work. */
  readonly error?: string;
  /** Bytes. */
  readonly file_size?: number;
  readonly total_lines?: number;
  readonly lines_read?: number;
  /** Numbered lines. */
  readonly content?: string;
}

/** GapEvent, as it is sent. */
export interface GapEvent {
  readonly stream: "output" | "errors";
  readonly offset: number;
  /** Bytes that are gone. */
  readonly bytes: number;
}

/** GitSshKey, as it is sent. */
export interface GitSshKey {
  /** A line of authorized_keys. */
  readonly public_key?: string;
  /** The private key as PEM text. */
  readonly private_key: string;
}

/** Health, as it is sent. */
export interface Health {
  readonly status: "ok";
}

/** Link, as it is sent. */
export interface Link {
  readonly url: string;
  /** RFC 3339 time. */
  readonly expires_at: string;
}

/** ListDirectory, as it is sent. */
export interface ListDirectory {
  /** Components below the base. */
  readonly path?: readonly string[] | null;
  /** The base: `home` or `root`. */
  readonly relativity?: string | null;
}

/** ListeningPort, as it is sent. */
export interface ListeningPort {
  /** Program that listens; empty when it belongs to another user. */
  readonly process_name: string;
  readonly network: "tcp";
  readonly port: number;
}

/** ListeningPortList, as it is sent. */
export interface ListeningPortList {
  readonly ports: readonly ListeningPort[];
}

/** Message, as it is sent. */
export interface Message {
  readonly message: string;
}

/** OutputEvent, as it is sent. */
export interface OutputEvent {
  readonly stream: "output" | "errors";
  /** Of the first byte. */
  readonly offset: number;
  /** The bytes, where they are text. */
  readonly text?: string;
  /** The bytes, where they are not. */
  readonly base64?: string;
}

/** PluginInfo, as it is sent. */
export interface PluginInfo {
  readonly id: string;
  readonly version: string;
  readonly stability: "experimental" | "beta" | "stable" | "deprecated";
  /** State of the plugin's life, such as `running` or `failed`. */
  readonly state: string;
  /** Why it is in this state. */
  readonly reason?: string;
  /** Prefixes of its routes. */
  readonly mounts: readonly string[];
  /** Time its set-up took. */
  readonly setup_ms?: number;
  /** Time its start took. */
  readonly start_ms?: number;
}

/** Problem, as it is sent. */
export interface Problem {
  /** What could not be done. */
  readonly message: string;
  /** The underlying error's text. */
  readonly detail?: string;
  /** One entry per wrong field of the request. */
  readonly validations?: readonly Validation[];
  /** Stable: bad_request, validation_failed, unauthorized, forbidden_host, forbidden_origin, not_found, method_not_allowed, conflict, body_too_large, client_gone, handler_timeout, too_many_requests, internal, plugin_disabled, plugin_skipped, plugin_failed, plugin_starting, plugin_draining, plugin_unreachable, plugin_error, attached_plugin, scope_closed, spawn_failed, config_invalid, reload_refused, reload_failed, agent_not_found, process_limit, rpc_unavailable, rpc_error, rpc_canceled, rpc_closed, rpc_dial_failed, drpc_protocol_error, stream_closed, websocket_closed, or a plugin's own. */
  readonly code: string;
  /** Id of the plugin whose route answered. */
  readonly plugin?: string;
  /** Joins the answer with the lines of the log. */
  readonly requestId?: string;
}

/** Process, as it is sent. */
export interface Process {
  /** Random UUID. */
  readonly id: string;
  /** As it was sent. */
  readonly command: string;
  /** Present when `command` is a program and not a line for the shell. */
  readonly args?: readonly string[];
  /** The directory the process was started in. */
  readonly workdir: string;
  /** As it was sent. */
  readonly background: boolean;
  /** Until the process has ended and what it wrote was read. */
  readonly running: boolean;
  /** Absent while running; -1 when a signal ended the process. */
  readonly exit_code?: number;
  /** Name of the signal that ended the process. */
  readonly signal?: string;
  /** Present when the kernel killed the process, or one that it started, for want of memory. */
  readonly oom?: true;
  /** Whether the process, or after its end a descendant, can still write. */
  readonly output_open: boolean;
  /** Bytes written so far. */
  readonly output_bytes: number;
  /** Of the main process, which is also the number of its group. */
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly started_at_unix: number;
  /** Seconds since the epoch; absent while running. */
  readonly exited_at_unix?: number;
  /** As it was sent. */
  readonly client_token?: string;
  /** What holds it to its limits; absent when it has none. */
  readonly limits?: ProcessLimits;
}

/** ProcessByToken, as it is sent. */
export interface ProcessByToken {
  readonly client_token: string;
  readonly found: boolean;
  readonly id?: string;
  readonly process?: Process;
}

/** ProcessLimits, as it is sent. */
export interface ProcessLimits {
  /** `rlimit` bounds the address space of each process, for want of a writable control group. */
  readonly memory?: "cgroup2" | "cgroup1" | "rlimit";
  /** `none`: nothing holds it to its processor time. */
  readonly cpu?: "cgroup2" | "cgroup1" | "none";
  readonly open_files?: "rlimit";
}

/** ProcessList, as it is sent. */
export interface ProcessList {
  readonly processes: readonly Process[];
}

/** ProcessMessage, as it is sent. */
export interface ProcessMessage {
  readonly message: string;
}

/** ProcessOutput, as it is sent. */
export interface ProcessOutput {
  /** What a model should see of the output. */
  readonly output: string;
  /** What is missing in `output`. */
  readonly truncated?: Truncation;
  /** Until the process has ended and what it wrote was read. */
  readonly running: boolean;
  /** Absent while running; -1 when a signal ended the process. */
  readonly exit_code?: number;
  /** Name of the signal that ended the process. */
  readonly signal?: string;
  /** Present when the kernel killed the process, or one that it started, for want of memory. */
  readonly oom?: true;
  /** Whether the process, or after its end a descendant, can still write. */
  readonly output_open: boolean;
  /** Bytes written so far. */
  readonly output_bytes: number;
}

/** ProcessState, as it is sent. */
export interface ProcessState {
  /** Until the process has ended and what it wrote was read. */
  readonly running: boolean;
  /** Absent while running; -1 when a signal ended the process. */
  readonly exit_code?: number;
  /** Name of the signal that ended the process. */
  readonly signal?: string;
  /** Present when the kernel killed the process, or one that it started, for want of memory. */
  readonly oom?: true;
  /** Whether the process, or after its end a descendant, can still write. */
  readonly output_open: boolean;
  /** Bytes written so far. */
  readonly output_bytes: number;
}

/** Readiness, as it is sent. */
export interface Readiness {
  readonly status: "ready" | "not ready";
  readonly plugins: { readonly [name: string]: string };
}

/** ReloadReport, as it is sent. */
export interface ReloadReport {
  readonly plugins: readonly ReloadedPlugin[];
  /** Settings of the agent that are written differently. */
  readonly agent: readonly ReloadedSetting[];
}

/** ReloadedPlugin, as it is sent. */
export interface ReloadedPlugin {
  readonly id: string;
  /** `policy`: only what its failure means changed; `reconfigured`: in place, nothing it holds ended. */
  readonly action: "untouched" | "policy" | "reconfigured" | "restarted" | "started" | "stopped";
  /** Why it was touched. */
  readonly because?: string;
  /** State now; absent when the configuration does not name it any more. */
  readonly state?: string;
  /** Processes that ended with its old life. */
  readonly ended?: readonly string[];
  /** What its old life did not end in time; it may still be at it, beside the new one. */
  readonly unfinished?: readonly string[];
}

/** ReloadedSetting, as it is sent. */
export interface ReloadedSetting {
  readonly path: string;
  /** `false`: it waits for the next start. */
  readonly in_force: boolean;
}

/** RepositoryChange, as it is sent. */
export interface RepositoryChange {
  /** Top of the working tree. */
  readonly repo_root: string;
  /** Short name; empty on a detached HEAD. */
  readonly branch: string;
  readonly remote_origin?: string;
  /** Everything that differs from the last commit, untracked files included. */
  readonly unified_diff?: string;
  /** Hunks of some files were left out. */
  readonly truncated?: true;
  /** The repository is gone. */
  readonly removed?: true;
}

/** RepositoryDiff, as it is sent. */
export interface RepositoryDiff {
  /** Top of the working tree. */
  readonly repo_root: string;
  readonly base: string;
  readonly unified_diff: string;
  readonly truncated: boolean;
  readonly total_bytes: number;
}

/** RepositoryStatus, as it is sent. */
export interface RepositoryStatus {
  /** Top of the working tree. */
  readonly repo_root: string;
  /** Short name; empty on a detached HEAD. */
  readonly branch: string;
  readonly remote_origin: string;
  /** Object name of the last commit; empty when there is none. */
  readonly commit: string;
  readonly files: readonly ChangedFile[];
}

/** ResolvedPath, as it is sent. */
export interface ResolvedPath {
  readonly resolved_path: string;
}

/** RfbFromClient, as it is sent. */
export type RfbFromClient = string;

/** RfbFromServer, as it is sent. */
export type RfbFromServer = string;

/** ShownFile, as it is sent. */
export interface ShownFile {
  readonly contents: string;
}

/** SignalProcess, as it is sent. */
export interface SignalProcess {
  /** `interrupt` sends SIGINT, `terminate` SIGTERM, `kill` SIGKILL, to the whole process group. */
  readonly signal: "kill" | "terminate" | "interrupt";
}

/** SignalledProcess, as it is sent. */
export interface SignalledProcess {
  readonly message: string;
  /** After `kill`: ids of the processes that are gone. */
  readonly ended?: readonly number[];
  /** After `kill`: ids of those that were still there after 2 seconds. */
  readonly survivors?: readonly number[];
}

/** StartLimits, as it is sent. */
export interface StartLimits {
  readonly memory_bytes?: number | null;
  readonly cpus?: number | null;
  readonly open_files?: number | null;
}

/** StartProcess, as it is sent. */
export interface StartProcess {
  /** A line for `sh -c`, or a program when `args` is there. */
  readonly command: string;
  /** Arguments of the program; no shell is involved. */
  readonly args?: readonly string[] | null;
  /** Absolute directory. Default: the agent's configured one, or the home. */
  readonly workdir?: string | null;
  /** Variables beside the agent's own. */
  readonly env?: { readonly [name: string]: string } | null;
  /** Kept for the list; changes nothing. */
  readonly background?: boolean | null;
  /** A second start with the same token finds the process of the first one. */
  readonly client_token?: string | null;
  /** `separate` keeps the standard error apart in the stream. Default: `merged`. */
  readonly output?: "merged" | "separate" | null;
  /** `piped` takes input. Default: `null`, which is at its end at once. */
  readonly stdin?: "null" | "piped" | null;
  /** The command waits for readers of its stream that are behind, so that they miss nothing. Default: false. */
  readonly hold_output?: boolean | null;
  /** What the command may use with everything it starts. The agent's own limits hold, too. */
  readonly limits?: StartLimits | null;
}

/** StartedProcess, as it is sent. */
export interface StartedProcess {
  readonly id: string;
  /** Whether this request started it, and not one before with the same token. */
  readonly started: boolean;
  readonly pid: number;
  /** As it was sent. */
  readonly client_token?: string;
  /** What holds it to its limits; absent when it has none. */
  readonly limits?: ProcessLimits;
  /** Whether a request before this one started it. Present with a token. */
  readonly attached?: boolean;
}

/** TaskEvent, as it is sent. */
export interface TaskEvent {
  /** Whether the screen moves, or the agent was told to do something. */
  readonly state: "working" | "idle";
  /** Number of the user's message that began the work; a number not above the last one is taken for a repetition. */
  readonly user_message?: number;
}

/** TaskEventResult, as it is sent. */
export interface TaskEventResult {
  /** Whether it was passed on; otherwise it said nothing new. */
  readonly reported: boolean;
}

/** TerminalInput, as it is sent. */
export interface TerminalInput {
  /** What is typed. */
  readonly data?: string;
  /** Columns; counts together with `height`. */
  readonly width?: number;
  /** Rows. */
  readonly height?: number;
}

/** TerminalOutput, as it is sent. */
export type TerminalOutput = string;

/** TextEdit, as it is sent. */
export interface TextEdit {
  /** Text to find. Indentation and trailing space may differ when nothing matches exactly. */
  readonly search?: string | null;
  /** Text to put in its place. */
  readonly replace?: string | null;
  /** Whether every match is replaced; otherwise there must be one only. */
  readonly replace_all?: boolean | null;
}

/** Tool, as it is sent. */
export interface Tool {
  readonly server_name: string;
  /** For a call. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of each argument. */
  readonly schema: { readonly [name: string]: unknown };
  /** Arguments that may not be left out. */
  readonly required: readonly string[];
}

/** ToolList, as it is sent. */
export interface ToolList {
  readonly tools: readonly Tool[];
}

/** ToolResult, as it is sent. */
export interface ToolResult {
  /** Content blocks of the Model Context Protocol. */
  readonly content: readonly { readonly [name: string]: unknown }[];
  /** Whether the tool failed; then the content says why. */
  readonly is_error: boolean;
}

/** Truncation, as it is sent. */
export interface Truncation {
  /** Bytes written in all. */
  readonly original_bytes: number;
  /** Bytes of the view, with its marker and notes. */
  readonly retained_bytes: number;
  /** Bytes between head and tail that are gone. */
  readonly omitted_bytes: number;
  readonly strategy: "head_tail";
}

/** Unit, as it is sent. */
export interface Unit {
  /** Its name. */
  readonly unit: string;
  readonly status: string;
  /** Whether everything it depends on is where it has to be. */
  readonly is_ready: boolean;
  readonly dependencies: readonly UnitDependency[];
}

/** UnitDependency, as it is sent. */
export interface UnitDependency {
  /** Name of the other unit. */
  readonly depends_on: string;
  readonly required_status: string;
  readonly current_status: string;
  readonly is_satisfied: boolean;
}

/** UnitList, as it is sent. */
export interface UnitList {
  readonly units: readonly Unit[];
}

/** Validation, as it is sent. */
export interface Validation {
  /** Path of the field: `files[0].path`, or a query parameter's name. */
  readonly field: string;
  /** What is wrong with it and what was expected. */
  readonly detail: string;
}

/** WatchChanges, as it is sent. */
export interface WatchChanges {
  readonly type: "changes";
  /** RFC 3339 time. */
  readonly scanned_at: string;
  /** Those that changed, each as a whole. */
  readonly repositories?: readonly RepositoryChange[];
}

/** WatchError, as it is sent. */
export interface WatchError {
  readonly type: "error";
  readonly message: string;
}

/** WatchMessage, as it is sent. */
export type WatchMessage = WatchChanges | WatchProgress | WatchError;

/** WatchProgress, as it is sent. */
export interface WatchProgress {
  readonly type: "progress";
  /** Top of the working tree. */
  readonly repo_root: string;
  /** Short name; empty on a detached HEAD. */
  readonly branch: string;
  readonly remote_origin?: string;
  /** The first part of a scan: forget the parts of scans before. */
  readonly reset?: true;
  readonly unified_diff_chunk?: string;
  readonly processed_files: number;
  readonly total_files: number;
  /** The last part of a scan. */
  readonly complete?: true;
}

/** WatchRefresh, as it is sent. */
export interface WatchRefresh {
  readonly type: "refresh";
}

/** WrittenFile, as it is sent. */
export interface WrittenFile {
  readonly message: string;
}

/** Method and path of every operation. */
export const ROUTES = {
  "auth.link": { method: "POST", path: "/api/v0/auth/link" },
  "auth.redeem": { method: "GET", path: "/auth/{code}" },
  "controlplane.externalAuth": { method: "GET", path: "/api/v0/controlplane/external-auth" },
  "controlplane.gitSshKey": { method: "GET", path: "/api/v0/controlplane/git-ssh-key" },
  "debug.metrics": { method: "GET", path: "/debug/prometheus" },
  "desktop.act": { method: "POST", path: "/api/v0/desktop/action" },
  "desktop.handBack": { method: "POST", path: "/api/v0/desktop/lease/hand-back" },
  "desktop.lease": { method: "GET", path: "/api/v0/desktop/lease" },
  "desktop.noVnc": { method: "GET", path: "/api/v0/desktop/novnc/*" },
  "desktop.page": { method: "GET", path: "/api/v0/desktop/{page}" },
  "desktop.pageRedirect": { method: "GET", path: "/api/v0/desktop" },
  "desktop.pageScript": { method: "GET", path: "/api/v0/desktop/viewer.js" },
  "desktop.pageStyle": { method: "GET", path: "/api/v0/desktop/viewer.css" },
  "desktop.take": { method: "POST", path: "/api/v0/desktop/lease/take" },
  "desktop.vnc": { method: "GET", path: "/api/v0/desktop/vnc" },
  "files.edit": { method: "POST", path: "/api/v0/edit-files" },
  "files.lines": { method: "GET", path: "/api/v0/read-file-lines" },
  "files.list": { method: "POST", path: "/api/v0/list-directory" },
  "files.read": { method: "GET", path: "/api/v0/read-file" },
  "files.resolve": { method: "GET", path: "/api/v0/resolve-path" },
  "files.write": { method: "POST", path: "/api/v0/write-file" },
  "git.diff": { method: "GET", path: "/api/v0/git/diff" },
  "git.show": { method: "GET", path: "/api/v0/git/show" },
  "git.status": { method: "GET", path: "/api/v0/git/status" },
  "git.watch": { method: "GET", path: "/api/v0/git/watch" },
  "greeting": { method: "GET", path: "/" },
  "health": { method: "GET", path: "/healthz" },
  "info": { method: "GET", path: "/api/v0/info" },
  "logs": { method: "GET", path: "/api/v0/logs" },
  "mcp.callTool": { method: "POST", path: "/api/v0/mcp/call-tool" },
  "mcp.close": { method: "DELETE", path: "/api/v0/mcp" },
  "mcp.listen": { method: "GET", path: "/api/v0/mcp" },
  "mcp.message": { method: "POST", path: "/api/v0/mcp" },
  "mcp.taskEvent": { method: "POST", path: "/api/v0/mcp/task-events" },
  "mcp.tools": { method: "GET", path: "/api/v0/mcp/tools" },
  "metrics": { method: "GET", path: "/metrics" },
  "openapi": { method: "GET", path: "/api/v0/openapi.json" },
  "ports.list": { method: "GET", path: "/api/v0/listening-ports" },
  "processes.byToken": { method: "GET", path: "/api/v0/processes/tokens/{token}" },
  "processes.list": { method: "GET", path: "/api/v0/processes/list" },
  "processes.output": { method: "GET", path: "/api/v0/processes/{id}/output" },
  "processes.signal": { method: "POST", path: "/api/v0/processes/{id}/signal" },
  "processes.start": { method: "POST", path: "/api/v0/processes/start" },
  "processes.stdin": { method: "POST", path: "/api/v0/processes/{id}/stdin" },
  "processes.stream": { method: "GET", path: "/api/v0/processes/{id}/stream" },
  "readiness": { method: "GET", path: "/readyz" },
  "reload": { method: "POST", path: "/api/v0/reload" },
  "status": { method: "GET", path: "/api/v0/status" },
  "terminals.attach": { method: "GET", path: "/api/v0/pty" },
  "units.graph": { method: "GET", path: "/api/v0/agentsocket/units.dot" },
  "units.list": { method: "GET", path: "/api/v0/agentsocket/units" },
} as const satisfies Readonly<Record<keyof Operations, { readonly method: string; readonly path: string }>>;

/** What every operation takes and answers. */
export interface Operations {
  /** Makes a link that signs one browser in. */
  readonly "auth.link": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Link;
  };
  /** Exchanges a link for a session. */
  readonly "auth.redeem": {
    readonly path: {
      /** From the link. */
      readonly code: string;
    };
    readonly query: None;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Fetches credentials for a git server from the control plane. */
  readonly "controlplane.externalAuth": {
    readonly path: None;
    readonly query: {
      /** Address of the git server, as the provider's rule matches it. */
      readonly match?: string;
      /** Id of the provider, in the place of an address. */
      readonly id?: string;
      /** Wait until a person has signed in. */
      readonly listen?: boolean;
      /** Chat that works with the repository. */
      readonly chat_id?: string;
    };
    readonly body: undefined;
    readonly answer: ExternalAuth;
  };
  /** Fetches the workspace's key for git over SSH from the control plane. */
  readonly "controlplane.gitSshKey": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: GitSshKey;
  };
  /** Metrics of the agent and its plugins. */
  readonly "debug.metrics": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Does one action on the desktop, which is started by the first. */
  readonly "desktop.act": {
    readonly path: None;
    readonly query: None;
    readonly body: {
      /** What to do. */
      readonly action?: string;
      /** `[x, y]` of mouse actions, in the scaled space. */
      readonly coordinate?: readonly number[] | null;
      /** `[x, y]` where a drag begins, in the scaled space. */
      readonly start_coordinate?: readonly number[] | null;
      /** Text to type; for key actions keys as in `ctrl+s`, `Return`, `F5`, several separated by spaces. */
      readonly text?: string | null;
      /** Milliseconds that `hold_key` holds and `wait` waits. Default 1000. */
      readonly duration?: number | null;
      /** Notches of the wheel. Default 3. */
      readonly scroll_amount?: number | null;
      /** `up`, `down` (default), `left` or `right`. */
      readonly scroll_direction?: string | null;
      /** Width of the space that coordinates are in, and of screenshots. Default: the screen's. */
      readonly scaled_width?: number | null;
      /** Height of the space that coordinates are in, and of screenshots. Default: the screen's. */
      readonly scaled_height?: number | null;
      /** `[left, top, right, bottom]` of `zoom`, in the scaled space; right and bottom are excluded. */
      readonly region?: readonly number[] | null;
      /** Of a screenshot. Default `png`. */
      readonly format?: "png" | "jpeg" | "webp" | null;
      /** Of a JPEG or WebP screenshot. Default 80. */
      readonly quality?: number | null;
      /** Hash of a screenshot the caller has: while the screen shows the same, the answer has no data. */
      readonly if_changed_from?: string | null;
      /** Epoch of the lease that the input was decided in; input from an earlier one is refused with 409. */
      readonly epoch?: number | null;
    };
    readonly answer: DesktopActionResult;
  };
  /** Gives the desktop back to the agents, with the screen as it is. */
  readonly "desktop.handBack": {
    readonly path: None;
    readonly query: None;
    readonly body: {
      /** What the agents should know. */
      readonly note?: string;
    };
    readonly answer: DesktopLease;
  };
  /** Tells who may use the desktop, now or after the next change of hands. */
  readonly "desktop.lease": {
    readonly path: None;
    readonly query: {
      /** Waits while the lease is still in this epoch. */
      readonly epoch?: number;
      /** How long, at most 25000. Default 0: not at all. */
      readonly wait_ms?: number;
      /** Adds the screen as it was when it was handed back last. */
      readonly screenshot?: boolean;
    };
    readonly body: undefined;
    readonly answer: DesktopLease;
  };
  /** A script of noVNC, which the page loads. */
  readonly "desktop.noVnc": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Shows the desktop in a browser. */
  readonly "desktop.page": {
    readonly path: {
      /** Nothing: the address ends with a slash. */
      readonly page: string;
    };
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Leads to the page. */
  readonly "desktop.pageRedirect": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Script of the page. */
  readonly "desktop.pageScript": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Style of the page. */
  readonly "desktop.pageStyle": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Takes the desktop for a person; agents are refused until it is handed back. */
  readonly "desktop.take": {
    readonly path: None;
    readonly query: None;
    readonly body: {
      /** What the person is called. */
      readonly name?: string;
    };
    readonly answer: DesktopLease;
  };
  /** Shows the desktop to a VNC client. */
  readonly "desktop.vnc": {
    readonly path: None;
    readonly query: {
      /** Drops everything the viewer does but watching. */
      readonly view_only?: boolean;
      /** What the person is called, at most 64 characters. Default: a number. */
      readonly name?: string;
    };
    readonly body: undefined;
    readonly answer: undefined;
    readonly fromClient: RfbFromClient;
    readonly fromAgent: RfbFromServer;
  };
  /** Searches and replaces in files, in all of them or none. */
  readonly "files.edit": {
    readonly path: None;
    readonly query: None;
    readonly body: EditFiles;
    readonly answer: EditedFiles;
  };
  /** Reads numbered lines for a model. */
  readonly "files.lines": {
    readonly path: None;
    readonly query: {
      /** Absolute path of the file. */
      readonly path: string;
      /** First line, from 1. */
      readonly offset?: number;
      /** Most lines; 0 for as many as the other limits allow. */
      readonly limit?: number;
      /** Largest file, in bytes. */
      readonly max_file_size?: number;
      /** Longest line, in bytes. */
      readonly max_line_bytes?: number;
      /** Most lines of the answer. */
      readonly max_response_lines?: number;
      /** Most bytes of the answer. */
      readonly max_response_bytes?: number;
    };
    readonly body: undefined;
    readonly answer: FileLines;
  };
  /** Lists one directory. */
  readonly "files.list": {
    readonly path: None;
    readonly query: {
      /** Absolute path of the directory; wins over the body. */
      readonly path?: string;
    };
    readonly body: ListDirectory;
    readonly answer: DirectoryListing;
  };
  /** Reads bytes of a file. */
  readonly "files.read": {
    readonly path: None;
    readonly query: {
      /** Absolute path of the file. */
      readonly path: string;
      /** First byte. */
      readonly offset?: number;
      /** Most bytes; 0 for all. */
      readonly limit?: number;
    };
    readonly body: undefined;
    readonly answer: Bytes | undefined;
  };
  /** Follows symbolic links; the file itself need not exist. */
  readonly "files.resolve": {
    readonly path: None;
    readonly query: {
      /** Absolute path of the file. */
      readonly path: string;
    };
    readonly body: undefined;
    readonly answer: ResolvedPath;
  };
  /** Writes a whole file, and the directories above it. */
  readonly "files.write": {
    readonly path: None;
    readonly query: {
      /** Absolute path of the file. */
      readonly path: string;
    };
    readonly body: Bytes;
    readonly answer: WrittenFile;
  };
  /** Compares the working tree at or below a path with a commit. */
  readonly "git.diff": {
    readonly path: None;
    readonly query: {
      /** Absolute path in a repository. */
      readonly path: string;
      /** Commit, branch or tag that the working tree is compared with. */
      readonly base?: string;
    };
    readonly body: undefined;
    readonly answer: RepositoryDiff;
  };
  /** Shows a file as it was in a commit. */
  readonly "git.show": {
    readonly path: None;
    readonly query: {
      /** Top of a working tree. */
      readonly repo_root: string;
      /** Relative to the top, or absolute inside of it. */
      readonly path: string;
      /** Commit, branch or tag. */
      readonly ref?: string;
    };
    readonly body: undefined;
    readonly answer: ShownFile;
  };
  /** Lists the files that differ at or below a path. */
  readonly "git.status": {
    readonly path: None;
    readonly query: {
      /** Absolute path in a repository. */
      readonly path: string;
    };
    readonly body: undefined;
    readonly answer: RepositoryStatus;
  };
  /** Tells how the repositories that a chat works in change, while they change. */
  readonly "git.watch": {
    readonly path: None;
    readonly query: {
      /** UUID of the chat; without it nothing is watched. */
      readonly chat_id?: string;
    };
    readonly body: undefined;
    readonly answer: undefined;
    readonly fromClient: WatchRefresh;
    readonly fromAgent: WatchMessage;
  };
  /** Says that the agent runs; browsers get a page. */
  readonly "greeting": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Message;
  };
  /** Says that the agent is alive, whatever its plugins do. */
  readonly "health": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Health;
  };
  /** Tells version, plugins, capabilities and limits. */
  readonly "info": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: AgentInfo;
  };
  /** The latest lines of the log, and on request those that follow. */
  readonly "logs": {
    readonly path: None;
    readonly query: {
      /** Latest lines that were written before. */
      readonly lines?: number;
      /** Lowest level that is wanted. */
      readonly level?: string;
      /** `core` or a plugin's id. Default: all. */
      readonly source?: string;
      /** Goes on with lines as they are written. */
      readonly follow?: boolean;
    };
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Calls a tool. */
  readonly "mcp.callTool": {
    readonly path: None;
    readonly query: None;
    readonly body: CallTool;
    readonly answer: ToolResult;
  };
  /** Ends a session. */
  readonly "mcp.close": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Streams messages of the agent to a session. */
  readonly "mcp.listen": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Takes a message of the Model Context Protocol (streamable HTTP). Errors are JSON-RPC's own. */
  readonly "mcp.message": {
    readonly path: None;
    readonly query: None;
    readonly body: Bytes;
    readonly answer: Bytes;
  };
  /** Takes what is seen of a task from outside, and reports it where it says something new. */
  readonly "mcp.taskEvent": {
    readonly path: None;
    readonly query: None;
    readonly body: TaskEvent;
    readonly answer: TaskEventResult;
  };
  /** Lists the tools, for programs that do not speak the Model Context Protocol. */
  readonly "mcp.tools": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: ToolList;
  };
  /** Metrics of the agent and its plugins. */
  readonly "metrics": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** This document. */
  readonly "openapi": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Lists the TCP ports that programs of the workspace listen on. */
  readonly "ports.list": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: ListeningPortList;
  };
  /** Finds the process that was started with a client token. */
  readonly "processes.byToken": {
    readonly path: {
      /** The client token. */
      readonly token: string;
    };
    readonly query: None;
    readonly body: undefined;
    readonly answer: ProcessByToken;
  };
  /** Lists processes, running ones first. */
  readonly "processes.list": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: ProcessList;
  };
  /** Shows the first and the last part of the output. */
  readonly "processes.output": {
    readonly path: {
      /** Id of the process. */
      readonly id: string;
    };
    readonly query: {
      /** `true` waits for the end, as long as the limit `waitMs` allows. */
      readonly wait?: string;
    };
    readonly body: undefined;
    readonly answer: ProcessOutput;
  };
  /** Signals the process and everything it started. */
  readonly "processes.signal": {
    readonly path: {
      /** Id of the process. */
      readonly id: string;
    };
    readonly query: None;
    readonly body: SignalProcess;
    readonly answer: SignalledProcess;
  };
  /** Starts a command. */
  readonly "processes.start": {
    readonly path: None;
    readonly query: None;
    readonly body: StartProcess;
    readonly answer: StartedProcess;
  };
  /** Writes input. */
  readonly "processes.stdin": {
    readonly path: {
      /** Id of the process. */
      readonly id: string;
    };
    readonly query: {
      /** Whether the input ends after this body. */
      readonly close?: boolean;
    };
    readonly body: Bytes;
    readonly answer: ProcessMessage;
  };
  /** Follows the output as server-sent events. */
  readonly "processes.stream": {
    readonly path: {
      /** Id of the process. */
      readonly id: string;
    };
    readonly query: {
      /** Where to begin, in bytes of the output. */
      readonly offset?: number;
      /** Where to begin, in bytes of the standard error, when it is kept apart. */
      readonly errors_offset?: number;
      /** `exit` ends with the process, `closed` with the last of its descendants that can write. */
      readonly until?: string;
    };
    readonly body: undefined;
    readonly answer: Bytes;
    readonly events: {
      readonly output: OutputEvent;
      readonly gap: GapEvent;
      readonly exit: ProcessState;
      readonly closed: ClosedEvent;
    };
  };
  /** Says whether every plugin has started. */
  readonly "readiness": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Readiness;
  };
  /** Reads the configuration again and goes to it without an end of the agent. */
  readonly "reload": {
    readonly path: None;
    readonly query: {
      /** `true` lets processes end that plugins with a new life hold; else that is refused. */
      readonly force?: string;
    };
    readonly body: undefined;
    readonly answer: ReloadReport;
  };
  /** Tells how the agent's process and its plugins are. */
  readonly "status": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: AgentStatus;
  };
  /** Shows a terminal, and starts it when it is new. */
  readonly "terminals.attach": {
    readonly path: None;
    readonly query: {
      /** UUID that names the terminal. */
      readonly id?: string;
      /** The same, by the name that Coder's agent has for it. */
      readonly reconnect?: string;
      /** Columns, 1 to 1000. Default 80. */
      readonly width?: number;
      /** Rows, 1 to 1000. Default 24. */
      readonly height?: number;
      /** What a new terminal runs in the user's shell. Default: a login shell. */
      readonly command?: string;
    };
    readonly body: undefined;
    readonly answer: undefined;
    readonly fromClient: TerminalInput;
    readonly fromAgent: TerminalOutput;
  };
  /** Draws the units for Graphviz. */
  readonly "units.graph": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: Bytes;
  };
  /** Lists the units that processes of the workspace wait for. */
  readonly "units.list": {
    readonly path: None;
    readonly query: None;
    readonly body: undefined;
    readonly answer: UnitList;
  };
}
