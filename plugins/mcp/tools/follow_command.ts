/**
 * Waits for a command and tells how far it is.
 *
 * @module
 */
import { formatDuration } from "../../../core/go_duration.ts";
import type { ToolContext } from "./tool.ts";
import type { CommandOutput, WorkspaceProcesses } from "./workspace_api.ts";

/** What {@linkcode followCommand} takes. */
export interface FollowOptions {
  readonly processes: WorkspaceProcesses;
  readonly context: ToolContext;
  /** Longest wait in milliseconds; 0 asks once. */
  readonly waitMs: number;
}

/** Milliseconds between two progress notices: often enough to see life, and to keep clients from giving up. */
const PROGRESS_EVERY_MS = 1000;
/** Longest line of output in a progress notice, in characters. */
const MAX_LINE_CHARS = 200;

/**
 * The output at the command's end, or when time is up.
 *
 * @throws The reason of `context.signal` once it is aborted; the command is killed first if `context.endsCommands` says so.
 * @throws What the workspace throws.
 */
export async function followCommand(id: string, options: FollowOptions): Promise<CommandOutput> {
  const { processes, context, waitMs } = options;
  const { signal, progress, now } = context;
  const begin = now();
  for (;;) {
    const left = Math.max(0, begin + waitMs - now());
    const output = await processes.output(id, { waitMs: progress ? Math.min(left, PROGRESS_EVERY_MS) : left, signal });
    if (signal.aborted) {
      if (output.running && context.endsCommands?.()) await processes.signal(id, "kill");
      signal.throwIfAborted();
    }
    if (!output.running || left === 0) return output;
    progress?.({ elapsedMs: now() - begin, totalMs: waitMs, message: describe(output, now() - begin) });
  }
}

function describe({ output, output_bytes }: CommandOutput, elapsedMs: number): string {
  const last = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
  const line = last.length > MAX_LINE_CHARS ? `${last.slice(0, MAX_LINE_CHARS)}…` : last;
  const written = output_bytes === undefined ? "" : `, ${output_bytes} bytes of output`;
  return `running for ${formatDuration(elapsedMs)}${written}${line === "" ? "" : `: ${line}`}`;
}
