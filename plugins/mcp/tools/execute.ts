/**
 * The tool that runs a command.
 *
 * @module
 */
import { z } from "zod";

import { messageOf } from "../../../core/errors.ts";
import {
  type CommandResult,
  commandResult,
  endedResult,
  failedResult,
  NO_EXIT_CODE,
  outputPart,
} from "./command_result.ts";
import { followCommand } from "./follow_command.ts";
import { formatDuration, parseDuration } from "../../../core/go_duration.ts";
import { defineTool, requiredText, type Tool, type ToolContext, ToolError } from "./tool.ts";
import type { CommandOutput, WorkspaceProcesses } from "./workspace_api.ts";

/** Wait of a call that names none. */
const DEFAULT_TIMEOUT = "10s";

/** Variables of every command: no editor, pager, prompt or colour may wait for a person or fill the model's context. */
export const COMMAND_ENVIRONMENT: Readonly<Record<string, string>> = {
  CODER_CHAT_AGENT: "true",
  GIT_EDITOR: "true",
  GIT_SEQUENCE_EDITOR: "true",
  EDITOR: "true",
  VISUAL: "true",
  GIT_TERMINAL_PROMPT: "0",
  NO_COLOR: "1",
  TERM: "dumb",
  PAGER: "cat",
  GIT_PAGER: "cat",
};

interface ExecuteInput {
  readonly command: string;
  readonly timeout?: string | null;
  readonly workdir?: string | null;
  readonly run_in_background?: boolean | null;
}

const input: z.ZodType<ExecuteInput> = z.object({
  command: requiredText("command", "A line for sh -c."),
  timeout: z.string().nullish().describe(
    `How long to wait, such as "30s", "5m" or "1h30m". Default: "${DEFAULT_TIMEOUT}".`,
  ),
  workdir: z.string().nullish().describe("Absolute directory. Default: the workspace's own."),
  run_in_background: z.boolean().nullish().describe("Return at once with the process id. Default: false."),
});

/** Runs a command, waits for it, and lets it go on when the wait is over. */
export const execute: Tool = defineTool({
  name: "execute",
  title: "Run a command",
  description:
    "Runs a shell command in the workspace and waits for it, 10 seconds unless timeout says otherwise. When the time is up " +
    "the command is not killed: the result has exit_code -1 and its background_process_id, to be followed with " +
    "process_output or ended with process_signal. Use run_in_background, or a trailing &, for servers and watchers. " +
    "To read files use read_file instead of cat.",
  part: "processes",
  input,
  result: commandResult,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  async run({ timeout, workdir, ...asked }, api, context) {
    const { command, background } = withoutAmpersand(asked.command, asked.run_in_background ?? false);
    if (command.trim() === "") throw new ToolError("command is required");
    const timeoutMs = background ? 0 : readTimeout(timeout || DEFAULT_TIMEOUT);
    const processes = api.processes!;

    let id: string;
    try {
      ({ id } = await processes.start({
        command,
        workdir: workdir || undefined,
        env: COMMAND_ENVIRONMENT,
        background,
      }));
    } catch (error) {
      return failedResult(messageOf(error));
    }
    if (background) return { success: true, exit_code: 0, wall_duration_ms: 0, background_process_id: id };
    const result = await waitFor(id, { processes, context, timeoutMs });
    const note = adviceFor(command);
    return note === undefined ? result : { ...result, note };
  },
});

/** Takes the `&` off that sends a whole line to the background; `&&` and `|&` are something else. */
export function withoutAmpersand(
  command: string,
  background: boolean,
): { readonly command: string; readonly background: boolean } {
  const line = command.trim();
  if (background || !line.endsWith("&") || line.endsWith("&&") || line.endsWith("|&")) return { command, background };
  return { command: line.slice(0, -1).trim(), background: true };
}

const READS_WHOLE_FILES: readonly RegExp[] = [
  /^cat\s/,
  /^(?:rg|grep)\s.*--include-all/s,
  /^(?:rg|grep)\s+-l(?:\s|$)/,
];

/** Advice for commands that pour whole files into the model's context. */
export function adviceFor(command: string): string | undefined {
  if (!READS_WHOLE_FILES.some((pattern) => pattern.test(command.trim()))) return undefined;
  return "Prefer read_file for reading files: it numbers lines, and can read a part.";
}

interface Waiting {
  readonly processes: WorkspaceProcesses;
  readonly context: ToolContext;
  readonly timeoutMs: number;
}

async function waitFor(id: string, { processes, context, timeoutMs }: Waiting): Promise<CommandResult> {
  const begin = context.now();
  const waited = () => context.now() - begin;
  let output: CommandOutput;
  try {
    output = await followCommand(id, { processes, context, waitMs: timeoutMs });
  } catch (error) {
    context.signal.throwIfAborted();
    // The connection to the workspace may have dropped while waiting; the command does not know.
    const again = await processes.output(id, { waitMs: 0 }).catch(() => undefined);
    if (again === undefined || again.running) {
      const lost = `cannot follow process ${id}: ${messageOf(error)}`;
      return { ...failedResult(lost, waited()), ...(again && outputPart(again)), background_process_id: id };
    }
    output = again;
  }
  if (!output.running) return endedResult(output, waited());
  return {
    success: false,
    ...outputPart(output),
    exit_code: NO_EXIT_CODE,
    wall_duration_ms: Math.round(waited()),
    error: `command timed out after ${formatDuration(timeoutMs)}; it is still running as process ${id}`,
    background_process_id: id,
  };
}

function readTimeout(timeout: string): number {
  try {
    return parseDuration(timeout);
  } catch (error) {
    throw new ToolError(`invalid timeout: ${messageOf(error)}`);
  }
}
