/**
 * What a route takes and answers, for programs: the API document is made from these.
 *
 * @module
 */
import type { z } from "zod";

import type { QuerySpec } from "./query.ts";

/** One route. Schemas of requests are the very ones that the handler checks with. */
export interface RouteDescription {
  /** Name among the agent's operations, such as `processes.start`; clients call the method so. Never changes. */
  readonly operation: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** As it was registered, relative to the plugin's prefix: `/:id/output`. */
  readonly path: string;
  /** One sentence. */
  readonly summary: string;
  /** What the sentence leaves out. */
  readonly details?: string;
  /** What each part of the path that starts with a colon means. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The query as the handler reads it. */
  readonly query?: QuerySpec;
  /** What each request header means; all of them may be left out. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyDescription;
  /** Needs no token. */
  readonly isOpen?: boolean;
  /** Answers by status. From 400 on, one without a schema has the one error body. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Present on WebSocket routes. */
  readonly messages?: MessageDescription;
}

/** A request's body: JSON when it has a schema, else bytes. */
export interface BodyDescription {
  readonly summary?: string;
  readonly schema?: z.ZodType;
}

/** One answer: JSON when it has a schema. */
export interface AnswerDescription {
  /** When it is given. */
  readonly summary: string;
  readonly schema?: z.ZodType;
  /** Media type of a body that is not JSON. */
  readonly mediaType?: string;
  /** What each header of the answer means. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Schemas of the data of server-sent events, by the event's name. */
  readonly events?: Readonly<Record<string, z.ZodType>>;
}

/** What is said on a WebSocket, as JSON in text messages. */
export interface MessageDescription {
  readonly fromClient: z.ZodType;
  readonly fromAgent: z.ZodType;
}

/** Request headers that tell which chat a request belongs to. */
export const CHAT_HEADERS: Readonly<Record<string, string>> = {
  "coder-chat-id": "UUID of the chat on whose behalf the request is made.",
  "coder-ancestor-chat-ids": "JSON array with the UUIDs of the chats above it.",
  "coder-tool-call-id": "UUID of the model's tool call behind the request.",
};
