/**
 * What a chat needs of a language model, in the shape of Anthropic's Messages API.
 *
 * @module
 * @see https://docs.anthropic.com/en/api/messages
 */

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Words. */
export interface TextBlock {
  readonly type: "text";
  readonly text: string;
}
/** A picture, such as a screenshot that a tool took. */
export interface ImageBlock {
  readonly type: "image";
  readonly source: { readonly type: "base64"; readonly media_type: string; readonly data: string };
}
/** The model asks for a tool. */
export interface ToolUseBlock {
  readonly type: "tool_use";
  /** Chosen by the model; the result names it. */
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}
/** What a tool answered. */
export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: string | readonly (TextBlock | ImageBlock)[];
  readonly is_error?: boolean;
}
/** What the model thought; goes back to it unchanged. */
export type ThinkingBlock =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string };

/** One part of a message. */
export type ContentBlock = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock;

/** One message of a conversation. */
export interface ModelMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly ContentBlock[];
}

/** A tool that is described by words and a schema. */
export interface FunctionTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly input_schema: JsonObject;
}
/** A tool that the provider knows by its type, such as a desktop; further fields are the provider's. */
export interface ProviderTool extends JsonObject {
  readonly type: string;
  readonly name: string;
}
/** How a model is told of a tool. */
export type ToolDefinition = FunctionTool | ProviderTool;

/** Everything a model is told. */
export interface ModelRequest {
  readonly system: string;
  /** Begins with the user; roles alternate; every tool use is followed by its result. */
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolDefinition[];
}

/** Why a model stopped. Providers may add reasons. */
export type StopReason =
  | "end_turn"
  | "tool_use"
  | "max_tokens"
  | "refusal"
  | "pause_turn"
  | (string & Record<never, never>);

/** What a model answers. */
export interface ModelReply {
  readonly content: readonly ContentBlock[];
  readonly stopReason: StopReason;
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
}

/** A language model. Keeps nothing between calls. */
export interface Model {
  /** What chats call it; such as `claude-opus-4-6`. */
  readonly name: string;
  /** Whether it knows the tool `computer` by its provider's definition, and reads pictures. Default: no. */
  readonly usesDesktop?: boolean;
  /**
   * Answers once. Waits and tries again by itself where that helps.
   *
   * @throws {ModelError} When there is no answer.
   * @throws The reason of `signal` once it is aborted.
   */
  reply(request: ModelRequest, signal: AbortSignal): Promise<ModelReply>;
}

/** A model could not answer. The message is for a person. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code = "model_error";
}
