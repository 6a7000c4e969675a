/**
 * Puts a streamed message of the Messages API together.
 *
 * @module
 * @see https://docs.anthropic.com/en/api/messages-streaming
 */
import { readEvents } from "../../../client/event_stream.ts";
import { refusalOfEvent } from "./api_refusal.ts";
import type { ContentBlock, JsonObject, ModelReply } from "./model.ts";

/** A block that is being put together. */
interface OpenBlock {
  readonly block: JsonObject;
  /** Pieces of texts by field, and of a tool's input. */
  readonly pieces: Record<string, string>;
}

/** Which field a delta adds to. */
const FIELDS: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
  input_json_delta: "partial_json",
};

/**
 * Reads a message to its end; kinds of events and deltas that are not known are passed over, as the API asks for.
 *
 * @param heard Called for every event, pings among them.
 * @throws {ApiRefusal} When the stream says that something went wrong.
 * @throws {Error} When it ends early.
 */
export async function readMessage(body: ReadableStream<Uint8Array>, heard: () => void): Promise<ModelReply> {
  const blocks = new Map<number, OpenBlock>();
  let stopReason = "";
  const usage = { inputTokens: 0, outputTokens: 0 };
  for await (const { event, data } of readEvents(body)) {
    heard();
    if (event === "error") throw refusalOfEvent(data);
    if (event === "ping") continue;
    const value = JSON.parse(data);
    switch (event) {
      case "message_start":
        usage.inputTokens = value.message?.usage?.input_tokens ?? 0;
        break;
      case "content_block_start":
        blocks.set(value.index, { block: value.content_block, pieces: {} });
        break;
      case "content_block_delta":
        extend(blocks.get(value.index), value.delta);
        break;
      case "message_delta":
        stopReason = value.delta?.stop_reason ?? stopReason;
        usage.outputTokens = value.usage?.output_tokens ?? usage.outputTokens;
        break;
      case "message_stop":
        return { content: [...blocks.values()].flatMap(closed), stopReason, usage };
    }
  }
  throw new Error("the answer ended in the middle");
}

function extend(open: OpenBlock | undefined, delta: JsonObject): void {
  const field = FIELDS[String(delta.type)];
  if (open === undefined || field === undefined) return;
  open.pieces[field] = (open.pieces[field] ?? "") + String(delta[field]);
}

/** The block as it goes back to the API; none for a text that is empty, which the API would not take. */
function closed({ block, pieces }: OpenBlock): readonly ContentBlock[] {
  const { partial_json, ...texts } = pieces;
  const added = Object.entries(texts).map(([field, text]) => [field, String(block[field] ?? "") + text]);
  const filled: JsonObject = { ...block, ...Object.fromEntries(added) };
  if (block.type === "tool_use") return [{ ...filled, input: inputOf(block.input, partial_json) } as ContentBlock];
  if (block.type === "text" && filled.text === "") return [];
  return [filled as unknown as ContentBlock];
}

/** What is no JSON object was cut off: the run makes no call of an answer that was cut. */
function inputOf(input: unknown, text: string | undefined): JsonObject {
  try {
    const value = text === undefined || text === "" ? input : JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // See above.
  }
  return {};
}
