/**
 * Which chat a request belongs to, read from its headers.
 *
 * @module
 */

/** One UUID: the chat on whose behalf a request is made. */
const CHAT_HEADER = "coder-chat-id";
/** JSON array of UUIDs: the chats above it. A root chat sends the literal `null`. */
const ANCESTORS_HEADER = "coder-ancestor-chat-ids";
/** One UUID: the model's tool call that caused the request. */
const TOOL_CALL_HEADER = "coder-tool-call-id";

/** 32 hexadecimal digits with or without hyphens, in braces or as a URN: the spellings of RFC 9562 that clients send. */
const UUID =
  /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$|^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i;

/** The chat behind a request. Ids are lower-case UUIDs with hyphens. */
export interface ChatIdentity {
  readonly chatId: string;
  /** Chats above this one, in the order they were sent. */
  readonly ancestorIds: readonly string[];
  readonly toolCallId?: string;
  /** The chat and its ancestors: everyone who should learn of what the request touched. */
  readonly ids: readonly string[];
}

/**
 * Reads the chat of a request.
 *
 * Never throws: a request whose chat id is missing or malformed belongs to no chat, and its ancestors are not looked at.
 * Malformed ancestors are left out one by one, or all of them when the header is not a JSON array.
 */
export function chatIdentityOf(headers: Headers): ChatIdentity | undefined {
  const chatId = uuidOf(headers.get(CHAT_HEADER));
  if (chatId === undefined) return undefined;
  const ancestorIds = ancestorsOf(headers.get(ANCESTORS_HEADER));
  const toolCallId = uuidOf(headers.get(TOOL_CALL_HEADER));
  return { chatId, ancestorIds, ...(toolCallId && { toolCallId }), ids: [chatId, ...ancestorIds] };
}

function ancestorsOf(header: string | null): readonly string[] {
  if (!header) return [];
  let list: unknown;
  try {
    list = JSON.parse(header);
  } catch {
    return []; // A malformed list means "no ancestors"; the chat itself still counts.
  }
  return Array.isArray(list) ? list.map(uuidOf).filter((id) => id !== undefined) : [];
}

function uuidOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const bare = value.startsWith("{") && value.endsWith("}") ? value.slice(1, -1) : value;
  const groups = UUID.exec(bare)?.slice(1).filter((group) => group !== undefined);
  return groups?.join("-").toLowerCase();
}
