/**
 * The process routes: parse, call, answer.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import { z } from "zod";

import { resourceLimits } from "../../core/config/resource_limits.ts";
import { isPassable } from "../../core/environment.ts";
import { HttpProblem, messageOf } from "../../core/errors.ts";
import { chatIdentityOf } from "../../core/http/chat_identity.ts";
import { json, readJson } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import type { Clock, KilledTree, ResourceLimits } from "../../core/plugin.ts";
import { ClientTokenError, ProcessLimitError, TableClosedError } from "./process_errors.ts";
import { limitsJson, outputJson, processJson } from "./process_json.ts";
import type { ProcessTable } from "./process_table.ts";
import type { StartRequest, TrackedProcess } from "./tracked_process.ts";

/** Why a start was refused, as a metric's label. */
export const REFUSALS = ["limit", "token", "stopping", "system"] as const;
/** Why a start was refused. */
export type Refusal = (typeof REFUSALS)[number];

/** What the routes need. */
export interface ProcessRoutesOptions {
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** Longest wait for an end, in milliseconds. */
  readonly waitMs: number;
  /** Ends waits and streams. */
  readonly signal: AbortSignal;
  readonly onRefused?: (reason: Refusal) => void;
  /** Told how many bytes a reader of a stream missed. */
  readonly onGap?: (bytes: number) => void;
}

/** Registers the routes on `app`, relative to the plugin's prefix. */
export function addProcessRoutes(app: Hono, options: ProcessRoutesOptions): void {
  const { table } = options;

  app.post("/start", async (c) => {
    const { process, attached } = await start(c, options);
    return json(c, {
      id: process.id,
      started: !attached,
      pid: process.pid,
      ...(process.enforcement && { limits: limitsJson(process.enforcement) }),
      ...(process.request.clientToken !== undefined && { client_token: process.request.clientToken, attached }),
    });
  });

  app.get("/list", (c) => json(c, { processes: table.list(chatOf(c)).map(processJson) }));

  // Always 200: a 404 tells a client that the agent does not know this route.
  app.get("/tokens/:token", async (c) => {
    const token = c.req.param("token");
    const process = await table.findByToken(token, chatOf(c));
    return json(c, {
      client_token: token,
      found: process !== undefined,
      ...(process && { id: process.id, process: processJson(process) }),
    });
  });

  app.get("/:id/output", async (c) => {
    const process = found(c, table);
    if (c.req.query("wait") === "true") await waitForEnd(process, c.req.raw.signal, options);
    return json(c, outputJson(process));
  });

  app.get("/:id/stream", (c) => stream(c, found(c, table), options));

  app.post("/:id/signal", async (c) => {
    const id = c.req.param("id");
    if (table.find(id) !== undefined) found(c, table);
    const name = (await readJson(c, SIGNAL_BODY)).signal ?? "";
    if (name === "") throw new HttpProblem(400, "Signal is required");
    if (!Object.hasOwn(SIGNALS, name)) {
      throw new HttpProblem(
        400,
        `Unsupported signal "${name}": expected ${Object.keys(SIGNALS).map((word) => `"${word}"`).join(", ")}`,
      );
    }
    const process = found(c, table);
    const message = `Signal "${name}" sent to process "${id}"`;
    if (name === "kill") return json(c, { message, ...await killTree(process) });
    sendSignal(process, SIGNALS[name as keyof typeof SIGNALS]);
    return json(c, { message });
  });

  app.post("/:id/stdin", async (c) => {
    const { close } = readQuery(c, STDIN_QUERY);
    await writeInput(found(c, table), c.req.raw, close);
    return json(c, { message: close ? "Input written and closed" : "Input written" });
  });
}

/** Signals by the words clients use. A stopped process gets the others only once it continues. */
export const SIGNALS = {
  kill: ["SIGKILL"],
  terminate: ["SIGTERM", "SIGCONT"],
  interrupt: ["SIGINT", "SIGCONT"],
} as const;

const VARIABLES = z.record(z.string(), z.string()).superRefine((variables, context) => {
  for (const [name, value] of Object.entries(variables)) {
    if (isPassable(name, value)) continue;
    context.addIssue({
      code: "custom",
      path: [name],
      message: "Expected a name without = and NUL, and a value without NUL",
    });
  }
});
/** What {@linkcode VARIABLES} accepts, for the API document. */
const PASSABLE = {
  type: ["object", "null"],
  propertyNames: { pattern: "^[^=\\u0000]+$" },
  additionalProperties: { type: "string", pattern: "^[^\\u0000]*$" },
};
/** Longest client token, in characters: a UUID has 36. */
const MAX_TOKEN_LENGTH = 256;
/** Least of each limit; see `core/config/resource_limits.ts`, which has them under the configuration's names. */
const LIMITS = z.object({
  memory_bytes: resourceLimits.shape.memoryBytes.nullish(),
  cpus: resourceLimits.shape.cpus.nullish(),
  open_files: resourceLimits.shape.openFiles.nullish(),
}).meta({ id: "StartLimits" });
/** Body of a start. */
export const START_BODY = z.object({
  command: z.string().nullish()
    .meta({
      description: "A line for `sh -c`, or a program when `args` is there.",
      wire: { type: "string", minLength: 1 },
    }),
  args: z.array(z.string()).nullish().describe("Arguments of the program; no shell is involved."),
  workdir: z.string().nullish().describe("Absolute directory. Default: the agent's configured one, or the home."),
  env: VARIABLES.nullish().meta({ description: "Variables beside the agent's own.", wire: PASSABLE }),
  background: z.boolean().nullish().describe("Kept for the list; changes nothing."),
  client_token: z.string().max(MAX_TOKEN_LENGTH).nullish()
    .describe("A second start with the same token finds the process of the first one."),
  output: z.enum(["merged", "separate"]).nullish()
    .describe("`separate` keeps the standard error apart in the stream. Default: `merged`."),
  stdin: z.enum(["null", "piped"]).nullish().describe(
    "`piped` takes input. Default: `null`, which is at its end at once.",
  ),
  hold_output: z.boolean().nullish()
    .describe(
      "The command waits for readers of its stream that are behind, so that they miss nothing. Default: false.",
    ),
  limits: LIMITS.nullish().describe(
    "What the command may use with everything it starts. The agent's own limits hold, too.",
  ),
}).meta({ id: "StartProcess", requires: ["command"] });
/** Body of a signal. */
export const SIGNAL_BODY = z.object({
  signal: z.string().nullish().meta({
    description: "`interrupt` sends SIGINT, `terminate` SIGTERM, `kill` SIGKILL, to the whole process group.",
    wire: { type: "string", enum: Object.keys(SIGNALS) },
  }),
}).meta({ id: "SignalProcess", requires: ["signal"] });
/** Query of the stream. */
export const STREAM_QUERY = {
  offset: { type: "count", summary: "Where to begin, in bytes of the output." },
  errors_offset: { type: "count", summary: "Where to begin, in bytes of the standard error, when it is kept apart." },
  until: {
    ...{ type: "text", default: "exit", pattern: "^(exit|closed)$" },
    summary: "`exit` ends with the process, `closed` with the last of its descendants that can write.",
  },
} as const satisfies QuerySpec;
/** Query of the input. */
export const STDIN_QUERY = {
  close: { type: "switch", summary: "Whether the input ends after this body." },
} as const satisfies QuerySpec;

async function start(c: Context, { table, onRefused }: ProcessRoutesOptions): ReturnType<ProcessTable["start"]> {
  const body = await readJson(c, START_BODY);
  if (!body.command) throw new HttpProblem(400, "Command is required");
  const request: StartRequest = {
    command: body.command,
    args: body.args ?? undefined,
    workdir: body.workdir || undefined,
    env: body.env ?? undefined,
    background: body.background ?? false,
    clientToken: body.client_token || undefined,
    output: body.output ?? "merged",
    stdin: body.stdin ?? "null",
    holdOutput: body.hold_output ?? false,
    limits: body.limits ? limitsOf(body.limits) : undefined,
  };
  try {
    return await table.start(request, chatOf(c));
  } catch (error) {
    const { refusal, problem } = refusalOf(error);
    onRefused?.(refusal);
    throw problem;
  }
}

function limitsOf({ memory_bytes, cpus, open_files }: z.infer<typeof LIMITS>): ResourceLimits {
  return { memoryBytes: memory_bytes ?? undefined, cpus: cpus ?? undefined, openFiles: open_files ?? undefined };
}

/** How a start that threw is counted and answered. */
export function refusalOf(error: unknown): { readonly refusal: Refusal; readonly problem: HttpProblem } {
  if (error instanceof ProcessLimitError) {
    const { message, code } = error;
    return { refusal: "limit", problem: new HttpProblem(429, message, { code, headers: { "retry-after": "1" } }) };
  }
  if (error instanceof ClientTokenError) {
    return { refusal: "token", problem: new HttpProblem(409, error.message, { code: error.code }) };
  }
  const stopping = error instanceof TableClosedError;
  return {
    refusal: stopping ? "stopping" : "system",
    problem: new HttpProblem(500, "Failed to start process", {
      code: "spawn_failed",
      detail: stopping ? error.message : `start process: ${messageOf(error)}`,
      cause: error,
    }),
  };
}

function chatOf(c: Context): ReturnType<typeof chatIdentityOf> {
  return chatIdentityOf(c.req.raw.headers);
}

function found(c: Context, table: ProcessTable): TrackedProcess {
  const id = c.req.param("id") ?? "";
  const process = table.find(id, chatOf(c));
  if (process === undefined) throw new HttpProblem(404, `Process "${id}" not found`);
  return process;
}

/** Returns at the end of the process, when the client is gone, or when time is up; all are answered with what there is. */
export async function waitForEnd(
  process: TrackedProcess,
  client: AbortSignal,
  options: Pick<ProcessRoutesOptions, "clock" | "signal" | "waitMs">,
): Promise<void> {
  if (process.end !== undefined) return;
  const over = new AbortController();
  const deadline = options.clock.sleep(options.waitMs, AbortSignal.any([client, options.signal, over.signal]));
  await Promise.race([process.ended, deadline.catch(() => {})]);
  over.abort();
}

async function stream(c: Context, process: TrackedProcess, options: ProcessRoutesOptions): Promise<Response> {
  const query = readQuery(c, STREAM_QUERY);
  const { until } = query;
  if (until !== "exit" && until !== "closed") {
    throw new HttpProblem(400, "Query parameters have invalid values", {
      code: "validation_failed",
      validations: [{ field: "until", detail: `expected "exit" or "closed"` }],
    });
  }
  const { parsePosition, streamOutput } = await import("./output_stream.ts");
  const asked = { output: query.offset, errors: query.errors_offset };
  const from = parsePosition(c.req.header("last-event-id") ?? "") ?? asked;
  const { clock, signal, onGap } = options;
  return c.body(streamOutput({ process, from, until, clock, signal, onGap }), 200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
}

/** After the main process's end this reaches what it left running, also outside the group; 409 says that nothing is left. */
export async function killTree(process: TrackedProcess): Promise<Omit<KilledTree, "found">> {
  const { found, ended, survivors } = await process.killTree();
  if (!found) throw notRunning(process);
  return { ended, survivors };
}

/** After the main process's end this reaches what it left running; 409 says that nothing is left. */
export function sendSignal(process: TrackedProcess, signals: readonly Deno.Signal[]): void {
  let reached: boolean;
  try {
    reached = signals.map((signal) => process.kill(signal)).includes(true);
  } catch (error) {
    throw new HttpProblem(500, "Failed to signal process", { detail: messageOf(error), cause: error });
  }
  if (!reached) throw notRunning(process);
}

function notRunning({ id }: TrackedProcess): HttpProblem {
  return new HttpProblem(409, `Process "${id}" is not running`);
}

async function writeInput(process: TrackedProcess, request: Request, close: boolean): Promise<void> {
  const { stdin, id } = process;
  if (stdin === null) throw new HttpProblem(409, `Process "${id}" was started without input`);
  if (process.end !== undefined) throw new HttpProblem(409, `Process "${id}" is not running`);
  if (stdin.locked) throw new HttpProblem(409, `Process "${id}" is being written to by another request`);
  const ended = new AbortController();
  process.ended.then(() => ended.abort(new Error("the process has ended")));
  try {
    const body = request.body ?? new Blob().stream();
    await body.pipeTo(stdin, { preventClose: !close, signal: ended.signal });
  } catch (error) {
    throw new HttpProblem(409, `Cannot write all input to process "${id}"`, { detail: messageOf(error), cause: error });
  }
}
