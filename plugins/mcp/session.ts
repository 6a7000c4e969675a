/**
 * One client's session: a server of the official SDK on a transport of its own.
 *
 * @module
 */
// @ts-types="@modelcontextprotocol/sdk/server"
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
// @ts-types="@modelcontextprotocol/sdk/server/webStandardStreamableHttp"
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

import { elapsedOn } from "../../core/clock.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { McpConfig } from "./config.ts";
import { EventLog } from "./event_log.ts";
import type { McpMetrics } from "./mcp_metrics.ts";
import { offeredTools } from "./offered_tools.ts";
import { callTool, listedTool } from "./tool_calls.ts";
import type { TaskReports } from "./task_reports.ts";
import type { ToolContext, ToolProgress, WorkspaceApi } from "./tools/mod.ts";

/** What sessions are made from. */
export interface SessionOptions {
  /** The agent's version. */
  readonly version: string;
  readonly workspace: (caller: Caller) => WorkspaceApi;
  /** Where reports on tasks go; absent while nothing delivers them. */
  readonly tasks?: TaskReports;
  readonly config: McpConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: McpMetrics;
}

/** What {@linkcode McpSession} tells whoever holds it. */
export interface SessionEvents {
  /** The client was given this id. */
  readonly opened: (id: string) => void;
  /** The client ends the session. */
  readonly ending: () => void;
}

const INSTRUCTIONS = "Tools of one workspace: run commands, follow them, read and change files. Paths are absolute. " +
  "A command that takes longer than its timeout goes on and can be followed with process_output.";

/** One session. */
export class McpSession {
  readonly #options: SessionOptions;
  readonly #server: Server;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  #isEnding = false;
  #openAnswers = 0;
  #lastUsedMs: number;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#lastUsedMs = elapsedOn(options.clock);
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: events.opened,
      onsessionclosed: () => {
        this.#isEnding = true;
        events.ending();
      },
      eventStore: new EventLog(options.config.replayBytes),
      maxRequestBodySize: options.config.maxMessageBytes,
    });
    this.#server = new Server(
      { name: "outpost", title: "Outpost workspace", version: options.version },
      { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
    );
    // Refused requests, and answers whose reader is gone: the client was told, or is not there to be told.
    this.#server.onerror = (error) => options.log.debug("session refused or lost a message", { error });
    this.#addHandlers();
  }

  /** Milliseconds since the last sign of the client; 0 while one of its requests is being answered. */
  idleMs(): number {
    return this.#openAnswers > 0 ? 0 : elapsedOn(this.#options.clock) - this.#lastUsedMs;
  }

  /** Call once, before the first request. */
  async start(): Promise<void> {
    await this.#server.connect(this.#transport);
  }

  /** Answers one HTTP request of the client. */
  async handle(request: Request): Promise<Response> {
    this.#openAnswers++;
    try {
      const response = await this.#transport.handleRequest(request);
      return response.body === null ? response : this.#counted(response, response.body);
    } finally {
      this.#answered();
    }
  }

  /** Ends the session: open streams end, calls in progress are abandoned. Commands live on. */
  async close(): Promise<void> {
    this.#isEnding = true;
    await this.#server.close();
  }

  #addHandlers(): void {
    const { workspace, metrics, config } = this.#options;
    this.#server.setRequestHandler(ListToolsRequestSchema, (_request, { requestInfo }) => {
      const caller = callerOf(headersOf(requestInfo?.headers));
      return {
        tools: offeredTools(workspace(caller), caller, config.allowedTools).map(listedTool),
      } as ListToolsResult;
    });
    this.#server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const caller = callerOf(headersOf(extra.requestInfo?.headers));
      const api = workspace(caller);
      const tool = offeredTools(api, caller, config.allowedTools).find(({ name }) => name === params.name);
      if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `Tool "${params.name}" not found`);
      const token = params._meta?.progressToken;
      const context: ToolContext = {
        signal: extra.signal,
        now: () => elapsedOn(this.#options.clock),
        // The end of the session is not a wish of the client to end the command.
        endsCommands: () => config.killOnCancel && !this.#isEnding,
        ...(token !== undefined && {
          progress: (progress) => {
            const notification = { method: "notifications/progress" as const, params: paramsOf(token, progress) };
            // A client that is not connected now finds it in the log when it comes back.
            extra.sendNotification(notification).catch((error) => this.#server.onerror?.(error));
          },
        }),
      };
      // Nothing will be answered any more; without this the client's request would stay open.
      const abandon = () => this.#transport.closeSSEStream(extra.requestId);
      extra.signal.addEventListener("abort", abandon, { once: true });
      this.#openAnswers++;
      try {
        const result = await callTool(tool, params.arguments, { api, context, calls: metrics.calls });
        return result as unknown as CallToolResult;
      } finally {
        this.#answered();
        extra.signal.removeEventListener("abort", abandon);
      }
    });
  }

  /** The session is in use until the stream has ended. */
  #counted(response: Response, body: ReadableStream<Uint8Array>): Response {
    this.#openAnswers++;
    let isOpen = true;
    const done = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#answered();
    };
    const reader = body.getReader();
    const counted = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done: ended, value } = await reader.read();
        if (!ended) return controller.enqueue(value);
        controller.close();
        done();
      },
      async cancel(reason) {
        done();
        await reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
    return new Response(counted, response);
  }

  #answered(): void {
    this.#openAnswers--;
    this.#lastUsedMs = elapsedOn(this.#options.clock);
  }
}

function paramsOf(progressToken: string | number, { elapsedMs, totalMs, message }: ToolProgress) {
  return { progressToken, progress: elapsedMs / 1000, total: totalMs / 1000, message };
}

function headersOf(sent: Readonly<Record<string, string | string[] | undefined>> = {}): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(sent)) if (typeof value === "string") headers.set(name, value);
  return headers;
}
