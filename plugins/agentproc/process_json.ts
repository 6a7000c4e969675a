/**
 * Processes as clients see them. Field names are those of the reference agent; what it does not have is added beside them.
 *
 * @module
 */
import type { LimitEnforcement } from "../../core/plugin.ts";
import type { Truncation } from "./head_tail_buffer.ts";
import type { ProcessEnd, TrackedProcess } from "./tracked_process.ts";

/** How a process stands. */
export interface ProcessStateJson {
  /** Until the main process has ended and what it wrote was read. */
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

/** One row of the list. */
export interface ProcessJson extends ProcessStateJson {
  /** Random UUID. */
  readonly id: string;
  /** As it was sent. */
  readonly command: string;
  /** Present when `command` is a program and not a line for the shell. */
  readonly args?: readonly string[];
  /** The directory the process was started in. */
  readonly workdir: string;
  /** As it was sent; changes nothing. */
  readonly background: boolean;
  /** Of the main process, which is also the number of its group. */
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly started_at_unix: number;
  /** Seconds since the epoch; absent while running. */
  readonly exited_at_unix?: number;
  /** As it was sent. */
  readonly client_token?: string;
  /** What holds it to its limits; absent when it has none. */
  readonly limits?: LimitsJson;
}

/** What holds a process to its limits; each is absent when it is not limited. */
export interface LimitsJson {
  /** `rlimit` bounds the address space of each process, for want of a writable control group. */
  readonly memory?: "cgroup2" | "cgroup1" | "rlimit";
  /** `none`: nothing does, for want of a writable control group. */
  readonly cpu?: "cgroup2" | "cgroup1" | "none";
  readonly open_files?: "rlimit";
}

/** Answer of the output route. */
export interface OutputJson extends ProcessStateJson {
  /** What a model should see of the output. */
  readonly output: string;
  /** What is missing in `output`. */
  readonly truncated?: Truncation;
}

/** Exit code of the reference for everything that is no ordinary exit. */
const NO_EXIT_CODE = -1;
const SECOND_MS = 1000;

/** One row of the list. */
export function processJson(process: TrackedProcess): ProcessJson {
  const { id, request, directory, pid, startedAtMs, end } = process;
  return {
    id,
    command: request.command,
    ...(request.args && { args: request.args }),
    workdir: directory,
    background: request.background,
    ...stateJson(process),
    pid,
    started_at_unix: Math.floor(startedAtMs / SECOND_MS),
    ...(end && { exited_at_unix: Math.floor(end.atMs / SECOND_MS) }),
    ...(request.clientToken !== undefined && { client_token: request.clientToken }),
    ...(process.enforcement && { limits: limitsJson(process.enforcement) }),
  };
}

/** Answer of the output route. */
export function outputJson(process: TrackedProcess): OutputJson {
  return { ...process.view.view(), ...stateJson(process) };
}

/** How a process stands. */
export function stateJson(process: TrackedProcess): ProcessStateJson {
  return {
    running: process.end === undefined,
    ...(process.end && endJson(process.end)),
    output_open: process.outputOpen,
    output_bytes: process.outputBytes,
  };
}

/** How a process ended. */
export function endJson(
  end: ProcessEnd,
): { readonly exit_code: number; readonly signal?: string; readonly oom?: true } {
  return {
    exit_code: end.code ?? NO_EXIT_CODE,
    ...(end.signal && { signal: end.signal }),
    ...(end.oom && { oom: true }),
  };
}

/** What holds a process to its limits. */
export function limitsJson({ memory, cpu, openFiles }: LimitEnforcement): LimitsJson {
  return { ...(memory && { memory }), ...(cpu && { cpu }), ...(openFiles && { open_files: openFiles }) };
}
