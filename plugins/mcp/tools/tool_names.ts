/**
 * Names of the workspace tools. The settings and the metrics need them at every start; the tools themselves wait for a caller.
 *
 * @module
 */

/** Names in `mod.ts`, in its order; a test keeps the two equal. */
export const WORKSPACE_TOOL_NAMES: readonly string[] = [
  "execute",
  "process_output",
  "process_list",
  "process_signal",
  "read_file",
  "read_bytes",
  "write_file",
  "edit_files",
  "list_directory",
  "coder_report_task",
  "computer",
];
