/**
 * The workspace tools of AI agents: definitions without a transport.
 *
 * The MCP server of the agent serves them, and a control plane can give the same ones to the models of its chats: it
 * implements {@linkcode WorkspaceApi} over the agent's HTTP routes.
 *
 * @module
 */
import { computer } from "./computer.ts";
import { execute } from "./execute.ts";
import { editFiles, listDirectory, readBytes, readFile, writeFile } from "./file_tools.ts";
import { processList, processOutput, processSignal } from "./process_tools.ts";
import { reportTask } from "./report_task.ts";
import { closeAgent, messageAgent, spawnAgent, spawnComputerUseAgent, waitAgent } from "./sub_agent_tools.ts";
import type { Tool } from "./tool.ts";
import type { WorkspaceApi } from "./workspace_api.ts";

export { computer, DISPLAY } from "./computer.ts";
export { declaredSize, type DisplaySize } from "./declared_size.ts";
export { type CommandResult } from "./command_result.ts";
export { COMMAND_ENVIRONMENT } from "./execute.ts";
export type { EditFilesResult, ReadBytesResult, ReadFileResult } from "./file_tools.ts";
export {
  defineTool,
  type JsonObject,
  requiredText,
  splitPicture,
  type Tool,
  type ToolContext,
  ToolError,
  type ToolHints,
  type ToolProgress,
  type ToolSpec,
  type WorkspacePart,
} from "./tool.ts";
export * from "./workspace_api.ts";

/** The tools that a workspace alone can offer. */
export const workspaceTools: readonly Tool[] = [
  execute,
  processOutput,
  processList,
  processSignal,
  readFile,
  readBytes,
  writeFile,
  editFiles,
  listDirectory,
  reportTask,
  computer,
];

/** The tools for work that is shared among agents; only what runs the agents can offer them. */
export const subAgentTools: readonly Tool[] = [spawnAgent, spawnComputerUseAgent, waitAgent, messageAgent, closeAgent];

/** The tools that this workspace has the parts for. */
export function toolsFor(api: WorkspaceApi): readonly Tool[] {
  return [...workspaceTools, ...subAgentTools].filter(({ part }) => api[part] !== undefined);
}
