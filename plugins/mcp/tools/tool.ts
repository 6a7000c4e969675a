/**
 * What a tool is: a name, words for a model, schemas, and a function over a workspace.
 *
 * @module
 */
import { z } from "zod";

import type { WorkspaceApi } from "./workspace_api.ts";

/** A tool could not do what was asked. The message is for the model. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/** How far a call has come. */
export interface ToolProgress {
  /** Milliseconds since the call began. */
  readonly elapsedMs: number;
  /** Milliseconds after which the call ends by itself. */
  readonly totalMs: number;
  /** One line for a person. */
  readonly message: string;
}

/** What surrounds one call. */
export interface ToolContext {
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** Milliseconds since some fixed moment. */
  readonly now: () => number;
  /** Told now and then how far a long call has come; absent when nobody listens. Must not throw. */
  readonly progress?: (progress: ToolProgress) => void;
  /** Asked when `signal` aborts: whether the command that is waited for dies with the call. Default: it lives on. */
  readonly endsCommands?: () => boolean;
}

/** What callers may assume about a tool, in the words of the Model Context Protocol. */
export interface ToolHints {
  /** Changes nothing. */
  readonly readOnlyHint: boolean;
  /** May destroy something. */
  readonly destructiveHint: boolean;
  /** The same call twice does what one does. */
  readonly idempotentHint: boolean;
  /** May reach beyond the workspace. */
  readonly openWorldHint: boolean;
}

/** A part of {@linkcode WorkspaceApi}. A tool is offered where the part is there. */
export type WorkspacePart = keyof WorkspaceApi;

/** What {@linkcode defineTool} takes. */
export interface ToolSpec<Input, Result extends object> {
  /** Lower case with underscores; never reused for something else. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** For the model: what it does, when to use it, what surprises. */
  readonly description: string;
  readonly part: WorkspacePart;
  /** Field of the result that holds a PNG in base64, to be shown as a picture. */
  readonly picture?: string;
  /** What models of Anthropic are told instead of words and schema, for a tool that they know by its type. */
  readonly provider?: JsonObject;
  /** What an error about the arguments begins with. */
  readonly invalid?: string;
  readonly input: z.ZodType<Input>;
  /** Shape of the result; more fields than these may appear. */
  readonly result: z.ZodType<Result>;
  readonly hints: ToolHints;
  /** @throws {ToolError} When it cannot be done; other errors are taken for the same. */
  readonly run: (input: Input, api: WorkspaceApi, context: ToolContext) => Promise<Result>;
}

/** A tool that can be listed and called. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly part: WorkspacePart;
  readonly hints: ToolHints;
  /** Field of the result that holds a PNG in base64, to be shown as a picture. */
  readonly picture?: string;
  /** What models of Anthropic are told instead of words and schema, for a tool that they know by its type. */
  readonly provider?: JsonObject;
  /** JSON Schema (draft 7) of the arguments, always an object. */
  readonly inputSchema: JsonObject;
  /** JSON Schema (draft 7) of the result, always an object. */
  readonly outputSchema: JsonObject;
  /**
   * Checks the arguments and does the work. Unknown arguments are ignored.
   *
   * @throws {ToolError} When arguments are wrong, or it cannot be done.
   * @throws The reason of `context.signal` once it is aborted.
   */
  call(args: unknown, api: WorkspaceApi, context: ToolContext): Promise<object>;
}

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Makes a tool. Pure: schemas are worked out when they are asked for. */
export function defineTool<Input, Result extends object>(spec: ToolSpec<Input, Result>): Tool {
  const { name, title, description, part, hints, picture, provider, invalid } = spec;
  return {
    ...{ name, title, description, part, hints, picture, provider },
    get inputSchema() {
      return z.toJSONSchema(spec.input, { io: "input", target: "draft-7" }) as JsonObject;
    },
    get outputSchema() {
      return z.toJSONSchema(spec.result, { io: "output", target: "draft-7" }) as JsonObject;
    },
    async call(args, api, context) {
      const parsed = spec.input.safeParse(args ?? {});
      if (!parsed.success) {
        const issues = parsed.error.issues.map(describeIssue).join("; ");
        throw new ToolError(invalid === undefined ? issues : `${invalid}: ${issues}`);
      }
      context.signal.throwIfAborted();
      return await spec.run(parsed.data, api, context);
    },
  };
}

/** Takes the picture out of a result. */
export function splitPicture({ picture }: Tool, result: object): { readonly picture?: string; readonly rest: object } {
  if (picture === undefined) return { rest: result };
  const { [picture]: data, ...rest } = result as Readonly<Record<string, unknown>>;
  return { ...(typeof data === "string" && { picture: data }), rest };
}

/** A text argument that must be there and not empty; the error says `<name> is required`. */
export function requiredText(name: string, description: string): z.ZodType<string> {
  return z.string({ error: `${name} is required` }).min(1, `${name} is required`).describe(description);
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  const field = path.map(String).join(".");
  return field === "" || message.startsWith(field) ? message : `${field}: ${message}`;
}
