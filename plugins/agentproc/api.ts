/**
 * What the process routes take and answer. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";
import { CHAT_HEADERS } from "../../core/http/route_description.ts";
import type { LimitsJson, OutputJson, ProcessJson, ProcessStateJson } from "./process_json.ts";
import { SIGNAL_BODY, START_BODY, STDIN_QUERY, STREAM_QUERY } from "./routes.ts";

const STATE = {
  running: z.boolean().describe("Until the process has ended and what it wrote was read."),
  exit_code: z.int().optional().describe("Absent while running; -1 when a signal ended the process."),
  signal: z.string().optional().describe("Name of the signal that ended the process."),
  oom: z.literal(true).optional().describe(
    "Present when the kernel killed the process, or one that it started, for want of memory.",
  ),
  output_open: z.boolean().describe("Whether the process, or after its end a descendant, can still write."),
  output_bytes: z.int().describe("Bytes written so far."),
};
const PROCESS_STATE: z.ZodType<ProcessStateJson> = z.object(STATE).meta({ id: "ProcessState" });

const LIMITS: z.ZodType<LimitsJson> = z.object({
  memory: z.enum(["cgroup2", "cgroup1", "rlimit"]).optional()
    .describe("`rlimit` bounds the address space of each process, for want of a writable control group."),
  cpu: z.enum(["cgroup2", "cgroup1", "none"]).optional().describe("`none`: nothing holds it to its processor time."),
  open_files: z.literal("rlimit").optional(),
}).meta({ id: "ProcessLimits" });

const PROCESS: z.ZodType<ProcessJson> = z.object({
  id: z.string().describe("Random UUID."),
  command: z.string().describe("As it was sent."),
  args: z.array(z.string()).optional().describe("Present when `command` is a program and not a line for the shell."),
  workdir: z.string().describe("The directory the process was started in."),
  background: z.boolean().describe("As it was sent."),
  ...STATE,
  pid: z.int().describe("Of the main process, which is also the number of its group."),
  started_at_unix: z.int().describe("Seconds since the epoch."),
  exited_at_unix: z.int().optional().describe("Seconds since the epoch; absent while running."),
  client_token: z.string().optional().describe("As it was sent."),
  limits: LIMITS.optional().describe("What holds it to its limits; absent when it has none."),
}).meta({ id: "Process" });

const TRUNCATION = z.object({
  original_bytes: z.int().describe("Bytes written in all."),
  retained_bytes: z.int().describe("Bytes of the view, with its marker and notes."),
  omitted_bytes: z.int().describe("Bytes between head and tail that are gone."),
  strategy: z.literal("head_tail"),
}).meta({ id: "Truncation" });

const OUTPUT: z.ZodType<OutputJson> = z.object({
  output: z.string().describe("What a model should see of the output."),
  truncated: TRUNCATION.optional().describe("What is missing in `output`."),
  ...STATE,
}).meta({ id: "ProcessOutput" });

const STARTED = z.object({
  id: z.string(),
  started: z.boolean().describe("Whether this request started it, and not one before with the same token."),
  pid: z.int(),
  client_token: z.string().optional().describe("As it was sent."),
  limits: LIMITS.optional().describe("What holds it to its limits; absent when it has none."),
  attached: z.boolean().optional().describe("Whether a request before this one started it. Present with a token."),
}).meta({ id: "StartedProcess" });

const BY_TOKEN = z.object({
  client_token: z.string(),
  found: z.boolean(),
  id: z.string().optional(),
  process: PROCESS.optional(),
}).meta({ id: "ProcessByToken" });

const STREAM_NAME = z.enum(["output", "errors"]);
const EVENTS = {
  output: z.object({
    stream: STREAM_NAME,
    offset: z.int().describe("Of the first byte."),
    text: z.string().optional().describe("The bytes, where they are text."),
    base64: z.string().optional().describe("The bytes, where they are not."),
  }).meta({ id: "OutputEvent" }),
  gap: z.object({ stream: STREAM_NAME, offset: z.int(), bytes: z.int().describe("Bytes that are gone.") })
    .meta({ id: "GapEvent" }),
  exit: PROCESS_STATE,
  closed: z.object({ output_bytes: z.int() }).meta({ id: "ClosedEvent" }),
};

const MESSAGE = z.object({ message: z.string() }).meta({ id: "ProcessMessage" });
const PIDS = z.array(z.int()).optional();
const SIGNALLED = MESSAGE.extend({
  ended: PIDS.describe("After `kill`: ids of the processes that are gone."),
  survivors: PIDS.describe("After `kill`: ids of those that were still there after 2 seconds."),
}).meta({ id: "SignalledProcess" });
const ID = { id: "Id of the process." };
const UNKNOWN = { summary: "This chat has no such process." };
const INVALID = { summary: "The request is malformed." };

/** Every route of the process plugin. */
export const agentprocApi: readonly RouteDescription[] = [
  {
    operation: "processes.start",
    method: "post",
    path: "/start",
    summary: "Starts a command.",
    headers: CHAT_HEADERS,
    body: { schema: START_BODY },
    answers: {
      200: { summary: "It runs.", schema: STARTED },
      400: INVALID,
      409: { summary: "The token belongs to a different request." },
      429: { summary: "The process limit is reached." },
      500: { summary: "The system did not start it: the program or the directory is missing, for instance." },
    },
  },
  {
    operation: "processes.list",
    method: "get",
    path: "/list",
    summary: "Lists processes, running ones first.",
    headers: CHAT_HEADERS,
    answers: {
      200: {
        summary: "Processes of the chat, or all.",
        schema: z.object({ processes: z.array(PROCESS) }).meta({ id: "ProcessList" }),
      },
    },
  },
  {
    operation: "processes.byToken",
    method: "get",
    path: "/tokens/:token",
    summary: "Finds the process that was started with a client token.",
    parameters: { token: "The client token." },
    headers: CHAT_HEADERS,
    answers: { 200: { summary: "Found or not.", schema: BY_TOKEN } },
  },
  {
    operation: "processes.output",
    method: "get",
    path: "/:id/output",
    summary: "Shows the first and the last part of the output.",
    parameters: ID,
    query: { wait: { type: "text", summary: "`true` waits for the end, as long as the limit `waitMs` allows." } },
    headers: CHAT_HEADERS,
    answers: { 200: { summary: "As things are now.", schema: OUTPUT }, 404: UNKNOWN },
  },
  {
    operation: "processes.stream",
    method: "get",
    path: "/:id/stream",
    summary: "Follows the output as server-sent events.",
    details: "Each event's id is the position after it: `Last-Event-ID` continues where a connection was lost.",
    parameters: ID,
    query: STREAM_QUERY,
    headers: { ...CHAT_HEADERS, "last-event-id": "Id of the last event seen; wins over the query." },
    answers: {
      200: { summary: "Events until the end.", mediaType: "text/event-stream", events: EVENTS },
      400: INVALID,
      404: UNKNOWN,
    },
  },
  {
    operation: "processes.signal",
    method: "post",
    path: "/:id/signal",
    summary: "Signals the process and everything it started.",
    parameters: ID,
    headers: CHAT_HEADERS,
    body: { schema: SIGNAL_BODY },
    answers: {
      200: { summary: "Sent. After `kill`, what came from the process is gone.", schema: SIGNALLED },
      400: INVALID,
      404: UNKNOWN,
      409: { summary: "Nothing of it runs any more." },
      500: { summary: "The system refused to signal it." },
    },
  },
  {
    operation: "processes.stdin",
    method: "post",
    path: "/:id/stdin",
    summary: "Writes input.",
    parameters: ID,
    query: STDIN_QUERY,
    headers: CHAT_HEADERS,
    body: { summary: "Bytes, however many; they are passed on as they come." },
    answers: {
      200: { summary: "All of it was written.", schema: MESSAGE },
      400: INVALID,
      404: UNKNOWN,
      409: { summary: "The process takes no input, has ended, or another request writes." },
    },
  },
];
