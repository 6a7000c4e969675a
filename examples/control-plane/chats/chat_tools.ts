/**
 * The tools of a chat: what its model is told, and what a call does.
 *
 * @module
 */
import { messageOf } from "../../../core/errors.ts";
import { splitPicture, type Tool, toolsFor, type WorkspaceApi } from "../../../plugins/mcp/tools/mod.ts";
import type { ImageBlock, TextBlock, ToolDefinition, ToolResultBlock, ToolUseBlock } from "./model.ts";

/** What a call of a tool came to. */
export interface ToolOutcome {
  readonly content: string | readonly (TextBlock | ImageBlock)[];
  readonly isError?: boolean;
}

/** What surrounds one call. */
export interface ToolCall {
  /** Id of the model's call. */
  readonly id: string;
  /** Aborted when the chat is told to stop. */
  readonly signal: AbortSignal;
}

/** A tool as a chat has it. */
export interface ChatTool {
  readonly definition: ToolDefinition;
  /** What it throws becomes the result, unless the signal is aborted. */
  call(input: unknown, call: ToolCall): Promise<ToolOutcome>;
}

/** The shared tools. `api` is asked for the parts there are, and once per call, so that each can carry its own id. */
export function sharedTools(api: (call?: ToolCall) => WorkspaceApi): readonly ChatTool[] {
  return toolsFor(api()).map((tool) => sharedTool(tool, api));
}

/** One of them. */
export function sharedTool(tool: Tool, api: (call?: ToolCall) => WorkspaceApi): ChatTool {
  const { name, description, inputSchema, provider } = tool;
  return {
    definition: provider as ToolDefinition | undefined ?? { name, description, input_schema: inputSchema },
    async call(input, call) {
      const result = await tool.call(input, api(call), { signal: call.signal, now: () => performance.now() });
      const { picture, rest } = splitPicture(tool, result);
      if (picture === undefined) return { content: JSON.stringify(rest) };
      const source = { type: "base64", media_type: "image/png", data: picture } as const;
      return { content: [{ type: "image", source }, { type: "text", text: JSON.stringify(rest) }] };
    },
  };
}

/**
 * Does what the model asked for. What goes wrong becomes a result that the model can read.
 *
 * @throws The reason of `signal` once it is aborted.
 */
export async function callTool(
  use: ToolUseBlock,
  tools: readonly ChatTool[],
  signal: AbortSignal,
): Promise<ToolResultBlock> {
  const tool = tools.find(({ definition }) => definition.name === use.name);
  if (tool === undefined) {
    const names = tools.map(({ definition }) => definition.name).join(", ");
    return errorResult(use, `There is no tool "${use.name}". There are: ${names || "none"}`);
  }
  try {
    const { content, isError } = await tool.call(use.input, { id: use.id, signal });
    return { type: "tool_result", tool_use_id: use.id, content, ...(isError && { is_error: true }) };
  } catch (error) {
    signal.throwIfAborted();
    return errorResult(use, messageOf(error));
  }
}

/** A result that says why there is none. */
export function errorResult({ id }: ToolUseBlock, text: string): ToolResultBlock {
  return { type: "tool_result", tool_use_id: id, content: text, is_error: true };
}
