/**
 * What other plugins may use of agentproc. Interfaces and tokens only.
 *
 * @module
 */
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** A command to start. */
export interface ProcessStart {
  /** A line for the shell, or a program when `args` is there. */
  readonly command: string;
  /** Arguments of the program `command`; then no shell is involved. */
  readonly args?: readonly string[];
  /** Absolute directory. Default: the agent's, if it is usable, else the home directory. */
  readonly workdir?: string;
  /** Variables above all others. */
  readonly env?: Readonly<Record<string, string>>;
  /** Only stored and shown. */
  readonly background?: boolean;
}

/** How long to wait for an end. */
export interface OutputWait {
  /** Longest wait in milliseconds; 0 answers at once. */
  readonly waitMs: number;
  /** Ends the wait early; the answer is then what there is. */
  readonly signal?: AbortSignal;
  /** Only this chat's processes are found. */
  readonly chat?: ChatIdentity;
}

/** How a process stands, and what a model should see of its output. Names are those of the route's answer. */
export interface ProcessOutput {
  readonly output: string;
  /** What is missing in `output`. */
  readonly truncated?: {
    readonly original_bytes: number;
    readonly retained_bytes: number;
    readonly omitted_bytes: number;
    readonly strategy: string;
  };
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

/** One row of the list, under the names of the route's answer. */
export interface ListedProcess extends Omit<ProcessOutput, "output" | "truncated"> {
  readonly id: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** The directory it was started in. */
  readonly workdir: string;
  readonly background: boolean;
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly started_at_unix: number;
  /** Seconds since the epoch; absent while running. */
  readonly exited_at_unix?: number;
}

/** Words for signals. */
export type ProcessSignal = "kill" | "terminate" | "interrupt";

/**
 * Starts and follows commands, as the routes under `/api/v0/processes` do, with the same limits and the same metrics.
 *
 * With a chat only that chat's processes exist. Every refusal is an `HttpProblem` with the status and the message that the
 * route would answer with. After the plugin has stopped, starts are refused and nothing is found.
 */
export interface Processes {
  /** @throws {HttpProblem} 400 without a command, 429 at the process limit, 500 when the system refuses. */
  start(request: ProcessStart, chat?: ChatIdentity): Promise<{ readonly id: string }>;
  /**
   * The output so far, at the end of the process, of the wait, or of all waits when the plugin is drained.
   *
   * @throws {HttpProblem} 404 for an unknown id; 503 for a wait that begins when the plugin is drained.
   */
  output(id: string, wait: OutputWait): Promise<ProcessOutput>;
  /** Running ones first, then the newest; as many as the list route shows. */
  list(chat?: ChatIdentity): readonly ListedProcess[];
  /**
   * Signals the whole group; `kill` also reaches what left it. @throws {HttpProblem} 404 for an unknown id, 409 when nothing
   * is left.
   */
  signal(id: string, signal: ProcessSignal, chat?: ChatIdentity): Promise<void>;
}
/** Token for {@linkcode Processes}. */
export const Processes: ServiceToken<Processes> = defineService("agentproc/processes");

/** What happened to a process that was started through the agent. */
export type ProcessEvent =
  | {
    readonly type: "started";
    readonly id: string;
    readonly pid: number;
    readonly command: string;
    readonly args?: readonly string[];
    /** The directory it was started in. */
    readonly workdir: string;
    /** Milliseconds since the epoch. */
    readonly at: number;
    /** The chat it was started for, its ancestors behind it; empty when there is none. */
    readonly chatIds: readonly string[];
  }
  | {
    readonly type: "ended";
    readonly id: string;
    /** `null` when a signal ended it. */
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** Milliseconds since the epoch. */
    readonly at: number;
  }
  /** The watcher was too slow and lost this many events at this point. */
  | { readonly type: "missed"; readonly count: number };

/** Every start and every end, for those who keep a record of them. */
export interface ProcessEvents {
  /**
   * Yields every event from this call on, in order, until `signal` aborts or the plugin stops. A watcher that lags more than
   * 1,024 events behind is told how many it missed; it never holds a process up.
   */
  watch(signal: AbortSignal): AsyncIterable<ProcessEvent>;
}
/** Token for {@linkcode ProcessEvents}. */
export const ProcessEvents: ServiceToken<ProcessEvents> = defineService("agentproc/process-events");
