/**
 * What tools need of a workspace. An agent offers it on its own machine, a control plane over HTTP.
 *
 * Field names of results are those of the agent's HTTP answers, so that an implementation may hand on what it was answered.
 *
 * @module
 */

/** A workspace, as far as it is there: tools whose part is missing are not offered. */
export interface WorkspaceApi {
  readonly processes?: WorkspaceProcesses;
  readonly files?: WorkspaceFiles;
  readonly tasks?: WorkspaceTasks;
  readonly desktop?: WorkspaceDesktop;
  readonly agents?: SubAgents;
  readonly desktopAgents?: DesktopAgents;
}

/** A command to start. */
export interface CommandStart {
  /** A line for the shell. */
  readonly command: string;
  readonly workdir?: string;
  /** Variables above all others. */
  readonly env: Readonly<Record<string, string>>;
  readonly background: boolean;
}

/** How a command stands. */
export interface CommandOutput {
  /** What a model should see of the output so far. */
  readonly output: string;
  /** What is missing in `output`, as the agent tells it. */
  readonly truncated?: object;
  readonly running: boolean;
  /** Absent while running; -1 when a signal ended the command. */
  readonly exit_code?: number;
  /** The signal that ended the command. */
  readonly signal?: string;
  /** Bytes written so far. */
  readonly output_bytes?: number;
}

/** Commands of a workspace. Methods reject with what went wrong, in words for a model. */
export interface WorkspaceProcesses {
  start(start: CommandStart): Promise<{ readonly id: string }>;
  /** Answers at the end of the command, after `waitMs` (0: at once), or when `signal` aborts, with what there is. */
  output(id: string, wait: { readonly waitMs: number; readonly signal?: AbortSignal }): Promise<CommandOutput>;
  /** The agent's list, as it is. */
  list(): Promise<{ readonly processes: readonly object[] }>;
  /** To the whole process group. */
  signal(id: string, signal: "kill" | "terminate"): Promise<void>;
}

/** Numbered lines of a file. */
export interface FileLines {
  readonly success: boolean;
  /** Why it failed. */
  readonly error?: string;
  readonly file_size?: number;
  readonly total_lines?: number;
  readonly lines_read?: number;
  /** Line number, tab, line; joined by line feeds. */
  readonly content?: string;
}

/** A piece of a file. */
export interface FilePiece {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Whether the file goes on after these bytes. */
  readonly more: boolean;
}

/** Edits of one file, applied in order. */
export interface FileEdits {
  readonly path: string;
  readonly edits: readonly { readonly search: string; readonly replace: string; readonly replace_all?: boolean }[];
}

/** One entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly absolute_path_string: string;
  readonly is_dir: boolean;
}

/** Files of a workspace. Paths are absolute. Methods reject with what went wrong, in words for a model. */
export interface WorkspaceFiles {
  /** Does not reject for what is wrong with the file: `success` says so. */
  readLines(wanted: { readonly path: string; readonly offset: number; readonly limit: number }): Promise<FileLines>;
  read(wanted: { readonly path: string; readonly offset: number; readonly limit: number }): Promise<FilePiece>;
  write(file: { readonly path: string; readonly content: string }): Promise<void>;
  /** All or none. Resolves with one unified diff per file. */
  edit(files: readonly FileEdits[]): Promise<readonly { readonly path: string; readonly diff: string }[]>;
  list(path: string): Promise<{ readonly absolute_path_string: string; readonly contents: readonly DirectoryEntry[] }>;
}

/** States of a task. */
export const TASK_STATES = ["working", "complete", "idle", "failure"] as const;

/** What an agent says about its task. */
export interface TaskReport {
  readonly summary: string;
  readonly link: string;
  readonly state: (typeof TASK_STATES)[number];
}

/** Takes reports about the task that is worked on in this workspace. */
export interface WorkspaceTasks {
  /** Rejects when the report cannot be delivered. */
  report(report: TaskReport): Promise<void>;
}

/** Where an agent stands: `pending` is about to work, `error` has stopped. */
export const SUB_AGENT_STATUSES = ["waiting", "pending", "running", "error"] as const;

/** Another agent, which works in a chat of its own. */
export interface SubAgent {
  /** UUID. */
  readonly chat_id: string;
  readonly title: string;
  readonly status: (typeof SUB_AGENT_STATUSES)[number];
}

/** Work for another agent. */
export interface SubAgentTask {
  readonly prompt: string;
  /** Default: the beginning of the prompt. */
  readonly title?: string;
}

/** What another agent has come to. */
export interface SubAgentReport extends SubAgent {
  /** The last it said; empty when it said nothing. */
  readonly report: string;
}

/** Agents below the one that calls. Methods reject with what went wrong, in words for a model, also for agents that are not below it. */
export interface SubAgents {
  /** Starts one, and does not wait for it. */
  spawn(task: SubAgentTask): Promise<SubAgent>;
  /**
   * Resolves once it has nothing left to do. Rejects when it stopped with an error, after `waitMs`, and with the reason of
   * `signal` when that aborts.
   */
  wait(chatId: string, wait: { readonly waitMs: number; readonly signal: AbortSignal }): Promise<SubAgentReport>;
  message(chatId: string, message: { readonly message: string; readonly interrupt: boolean }): Promise<SubAgent>;
  /** Stops its work and forgets what it was still to hear. */
  close(chatId: string): Promise<SubAgent>;
}

/** Starts agents that use the desktop. They are waited for, told more and stopped as all of {@linkcode SubAgents} are. */
export interface DesktopAgents {
  /** As that of {@linkcode SubAgents}. */
  spawn(task: SubAgentTask): Promise<SubAgent>;
}

/** One action on the desktop, in the words of the agent's route `POST /api/v0/desktop/action`. */
export interface DesktopAction {
  readonly action: string;
  readonly [field: string]: unknown;
}

/** What an action came to. */
export interface DesktopResult {
  readonly output: string;
  /** Base64. */
  readonly screenshot_data?: string;
}

/** The desktop of a workspace. */
export interface WorkspaceDesktop {
  /** Rejects with what went wrong, in words for a model. */
  act(action: DesktopAction, options: { readonly signal: AbortSignal }): Promise<DesktopResult>;
}
