/**
 * Tools for commands that are already running.
 *
 * @module
 */
import { z } from "zod";

import { messageOf } from "../../../core/errors.ts";
import { type CommandResult, commandResult, endedResult, failedResult, outputPart } from "./command_result.ts";
import { followCommand } from "./follow_command.ts";
import { parseDuration } from "../../../core/go_duration.ts";
import { defineTool, requiredText, type Tool, ToolError } from "./tool.ts";

/** Wait of a call that names none. */
const DEFAULT_WAIT = "10s";

interface OutputInput {
  readonly process_id: string;
  readonly wait_timeout?: string | null;
}

const PROCESS_ID = requiredText("process_id", "Id from execute or process_list.");

const outputInput: z.ZodType<OutputInput> = z.object({
  process_id: PROCESS_ID,
  wait_timeout: z.string().nullish()
    .describe(`How long to wait for the end, such as "30s"; "0s" answers at once. Default: "${DEFAULT_WAIT}".`),
});

/** Follows a command. */
export const processOutput: Tool = defineTool({
  name: "process_output",
  title: "Follow a command",
  description:
    "Output so far of a command that was started with execute, and whether it has ended. Waits for the end, 10 seconds " +
    "unless wait_timeout says otherwise; call it again to wait longer.",
  part: "processes",
  input: outputInput,
  result: commandResult,
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ process_id: id, wait_timeout }, api, context): Promise<CommandResult> {
    const waitMs = readWait(wait_timeout || DEFAULT_WAIT);
    const begin = context.now();
    try {
      // To stop following says nothing about the command.
      const watching = { ...context, endsCommands: undefined };
      const output = await followCommand(id, { processes: api.processes!, context: watching, waitMs });
      const waited = context.now() - begin;
      if (!output.running) return endedResult(output, waited);
      return {
        success: true,
        ...outputPart(output),
        exit_code: 0,
        wall_duration_ms: Math.round(waited),
        note: "The command is still running. Call process_output again to wait longer, or process_signal to end it.",
        background_process_id: id,
      };
    } catch (error) {
      context.signal.throwIfAborted();
      return failedResult(messageOf(error), context.now() - begin);
    }
  },
});

/** Lists commands. */
export const processList: Tool = defineTool({
  name: "process_list",
  title: "List commands",
  description: "The commands that run in the workspace, and the newest of those that have ended.",
  part: "processes",
  input: z.object({}),
  result: z.looseObject({
    processes: z.array(z.looseObject({})).describe("Running ones first, then the newest."),
  }),
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: (_input, api) => api.processes!.list(),
});

interface SignalResult {
  readonly success: boolean;
  readonly message?: string;
  readonly error?: string;
}

/** Ends commands. */
export const processSignal: Tool = defineTool({
  name: "process_signal",
  title: "End a command",
  description:
    `Sends a signal to a command and everything it started: "terminate" asks it to end (SIGTERM), "kill" ends it (SIGKILL).`,
  part: "processes",
  input: z.object({
    process_id: PROCESS_ID,
    signal: z.enum(["terminate", "kill"], { error: `signal must be "terminate" or "kill"` }).describe("Which signal."),
  }),
  result: z.looseObject({
    success: z.boolean().describe("Whether the signal was sent."),
    message: z.string().optional().describe("What was done."),
    error: z.string().optional().describe("What went wrong."),
  }),
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run({ process_id: id, signal }, api): Promise<SignalResult> {
    try {
      await api.processes!.signal(id, signal);
      return { success: true, message: `signal "${signal}" sent to process ${id}` };
    } catch (error) {
      return { success: false, error: messageOf(error) };
    }
  },
});

function readWait(wait: string): number {
  try {
    return parseDuration(wait);
  } catch (error) {
    throw new ToolError(`invalid wait_timeout: ${messageOf(error)}`);
  }
}
