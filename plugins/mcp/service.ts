/**
 * What other plugins give to the MCP server. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** What an AI agent says about its task. */
export interface TaskStatus {
  /** At most 160 bytes. */
  readonly summary: string;
  /** Address of the result; may be empty. */
  readonly link: string;
  readonly state: "working" | "complete" | "idle" | "failure";
}

/** Hands reports about the task to whoever gave it. While it is there, AI agents find the tool `coder_report_task`. */
export interface TaskReporter {
  /** Resolves when the report was taken; rejects, in words for a model, when it cannot be delivered. */
  report(status: TaskStatus): Promise<void>;
}
/** Token for {@linkcode TaskReporter}. */
export const TaskReporter: ServiceToken<TaskReporter> = defineService("mcp/task-reporter");
