/**
 * The result that tools for commands share.
 *
 * @module
 */
import { z } from "zod";

import type { CommandOutput } from "./workspace_api.ts";

/** What a model gets to know about a command. */
export interface CommandResult {
  /** Whether the command ended with 0; `true` also for a command that was left running on purpose. */
  readonly success: boolean;
  /** Absent when empty. */
  readonly output?: string;
  /** -1 after a timeout, and when a signal ended the command; 0 when not known. */
  readonly exit_code: number;
  /** Milliseconds the call waited for the command; 0 for one in the background. */
  readonly wall_duration_ms: number;
  /** Why `success` is `false`, unless the exit code says it. */
  readonly error?: string;
  /** What is missing in `output`, as the agent tells it. */
  readonly truncated?: object;
  /** Advice. */
  readonly note?: string;
  /** Id of a command that was left running, for the process tools. */
  readonly background_process_id?: string;
}

/** Schema of {@linkcode CommandResult}. */
export const commandResult: z.ZodType<CommandResult> = z.looseObject({
  success: z.boolean().describe("Whether the command ended with 0, or was left running on purpose."),
  output: z.string().optional().describe("Standard output and standard error as a model should see them."),
  exit_code: z.number().int().describe("-1 after a timeout, and when a signal ended the command."),
  wall_duration_ms: z.number().int().describe("Milliseconds the call waited for the command."),
  error: z.string().optional().describe("What went wrong."),
  truncated: z.looseObject({}).optional().describe("What is missing in output."),
  note: z.string().optional().describe("Advice."),
  background_process_id: z.string().optional().describe("Id of a command that was left running."),
});

/** Exit code of everything that is no ordinary exit. */
export const NO_EXIT_CODE = -1;

/** Longest output in a result, in bytes of UTF-8: the agent keeps as much, and the notes between do not count as loss. */
const MAX_OUTPUT_BYTES = 32 * 1024;

/** The part of a result that an output decides. */
export function outputPart(
  { output, truncated }: CommandOutput,
): Pick<CommandResult, "output" | "truncated"> {
  const text = firstBytes(output, MAX_OUTPUT_BYTES);
  return { ...(text !== "" && { output: text }), ...(truncated && { truncated }) };
}

/** The result of a command that has ended. */
export function endedResult(output: CommandOutput, waitedMs: number): CommandResult {
  const code = output.exit_code ?? 0;
  return {
    success: code === 0,
    ...outputPart(output),
    exit_code: code,
    wall_duration_ms: Math.round(waitedMs),
    ...(output.signal !== undefined && { error: `the command was ended by ${output.signal}` }),
  };
}

/** A result that only tells what went wrong. */
export function failedResult(error: string, waitedMs: number = 0): CommandResult {
  return { success: false, exit_code: NO_EXIT_CODE, wall_duration_ms: Math.round(waitedMs), error };
}

/** At most `maximum` bytes of UTF-8, without a character that the border cuts. */
export function firstBytes(text: string, maximum: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maximum) return text;
  // In stream mode the decoder holds back what is not complete.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, maximum), { stream: true });
}
