/**
 * Lists and calls tools in the words of the Model Context Protocol.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { McpMetrics } from "./mcp_metrics.ts";
import { type JsonObject, splitPicture, type Tool, type ToolContext, type WorkspaceApi } from "./tools/mod.ts";

/** One tool in a list. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly annotations: JsonObject;
}

/** A part of a result. */
export type CallContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly data: string; readonly mimeType: string };

/** Result of a call: the same value as text and as structure, with its picture, or the text of an error. */
export interface CallResult {
  readonly content: readonly CallContent[];
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
    const { picture, rest } = splitPicture(tool, result);
    const image = picture === undefined ? [] : [{ type: "image" as const, data: picture, mimeType: "image/png" }];
    const content = [...image, { type: "text" as const, text: JSON.stringify(rest) }];
    return { content, structuredContent: rest, isError: false };
  } catch (error) {
    calls.inc({ tool: tool.name, result: context.signal.aborted ? "cancelled" : "error" });
    context.signal.throwIfAborted();
    return { content: [{ type: "text", text: messageOf(error) }], isError: true };
  }
}
