/**
 * What the agent socket's plugin offers to other plugins. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** How a task stands. */
export type TaskState = "working" | "idle" | "complete" | "failure";

/** One report of a task. */
export interface TaskReport {
  /** Slug of the workspace app the report belongs to. */
  readonly slug: string;
  readonly state: TaskState;
  /** What is going on, in one line; at most 160 bytes of UTF-8. */
  readonly message: string;
  /** Address with details, or `""`. */
  readonly uri: string;
}

/** Reports what a task does to the control plane. */
export interface TaskReporter {
  /**
   * Resolves when the control plane has taken the report. Reports are not queued: without a connection the call fails at once.
   *
   * @throws {RangeError} When the message is longer than 160 bytes, or the slug is empty.
   * @throws {RpcUnavailableError} When the agent is not connected, or the control plane does not know reports.
   * @throws {RpcError} With what the control plane answered, when it refused the report.
   */
  report(report: TaskReport, signal?: AbortSignal): Promise<void>;
}
/** Token for {@linkcode TaskReporter}. */
export const TaskReporter: ServiceToken<TaskReporter> = defineService("agentsocket/task-reporter");
