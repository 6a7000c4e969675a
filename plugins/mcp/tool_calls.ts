/**
 * Lists and calls tools in the words of the Model Context Protocol.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { McpMetrics } from "./mcp_metrics.ts";
import type { JsonObject, Tool, ToolContext, WorkspaceApi } from "./tools/mod.ts";

/** One tool in a list. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly annotations: JsonObject;
}

/** Result of a call: the same value as text and as structure, or the text of an error. */
export interface CallResult {
  readonly content: readonly [{ readonly type: "text"; readonly text: string }];
  readonly structuredContent?: object;
  readonly isError: boolean;
}

/** One tool in a list. */
export function listedTool({ name, title, description, inputSchema, outputSchema, hints }: Tool): ListedTool {
  return { name, title, description, inputSchema, outputSchema, annotations: { title, ...hints } };
}

/**
 * Calls a tool and counts the call. What goes wrong becomes a result that the model can read.
 *
 * @throws The reason of `context.signal` once it is aborted.
 */
export async function callTool(
  tool: Tool,
  args: unknown,
  { api, context, calls }: {
    readonly api: WorkspaceApi;
    readonly context: ToolContext;
    readonly calls: McpMetrics["calls"];
  },
): Promise<CallResult> {
  try {
    const result = await tool.call(args, api, context);
    calls.inc({ tool: tool.name, result: "ok" });
    return { content: [{ type: "text", text: JSON.stringify(result) }], structuredContent: result, isError: false };
  } catch (error) {
    calls.inc({ tool: tool.name, result: context.signal.aborted ? "cancelled" : "error" });
    context.signal.throwIfAborted();
    return { content: [{ type: "text", text: messageOf(error) }], isError: true };
  }
}
