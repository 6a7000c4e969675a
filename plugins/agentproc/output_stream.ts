/**
 * A process's output as server-sent events, for as many readers as like, each at its own pace.
 *
 * @module
 */
import { encodeBase64 } from "@std/encoding/base64";
import { type ServerSentEventMessage, ServerSentEventStream } from "@std/http/server-sent-event-stream";

import type { Clock } from "../../core/plugin.ts";
import type { OutputLog } from "./output_log.ts";
import { endJson, stateJson } from "./process_json.ts";
import type { StreamPosition, TrackedProcess } from "./tracked_process.ts";
import { completeUtf8Length } from "./utf8_border.ts";

/** What {@linkcode outputEvents} needs to know. */
export interface OutputEventsOptions {
  readonly process: TrackedProcess;
  /** Where the reader stands. */
  readonly from: StreamPosition;
  /** `"exit"`: the stream ends with the main process. `"closed"`: with the last holder of the output. */
  readonly until: "exit" | "closed";
  readonly clock: Clock;
  /** Ends the stream early, without a last event. */
  readonly signal: AbortSignal;
  /** Told how many bytes a reader missed. */
  readonly onGap?: (bytes: number) => void;
}

/** Most bytes in one event: a reader sees progress, and one event stays far from every message limit. */
const MAX_EVENT_BYTES = 64 * 1024;
/** Silence after which a comment goes out, in milliseconds: proxies close connections that look dead after a minute. */
const KEEP_ALIVE_MS = 15_000;

type StreamName = "output" | "errors";

/**
 * Encodes what {@linkcode outputEvents} yields. Nothing is read ahead: a reader that does not read costs no memory, and what
 * it is too slow for is named in a gap.
 */
export function streamOutput(options: OutputEventsOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const cancelled = new AbortController();
  const signal = AbortSignal.any([options.signal, cancelled.signal]);
  const events = outputEvents({ ...options, signal });
  const source = new ReadableStream<ServerSentEventMessage>({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      cancelled.abort();
      // It may stand at an event that nobody takes any more, and the process must not wait for that.
      await events.return(undefined);
    },
  }, { highWaterMark: 0 });
  return source.pipeThrough(new ServerSentEventStream());
}

/**
 * The events of one reader: `output` with a piece of a stream, `gap` for bytes that are gone, `exit` when the main process
 * has ended and everything it wrote was sent, `closed` when nobody holds the output any more. Each carries the position
 * after it as its id.
 */
export async function* outputEvents(options: OutputEventsOptions): AsyncGenerator<ServerSentEventMessage> {
  const { process, signal, clock } = options;
  const at: Record<StreamName, number> = { ...options.from };
  using held = process.attachReader(at);
  let exitSent = false;
  while (!signal.aborted) {
    if (process.end !== undefined && !exitSent && hasReached(at, process.end.position)) {
      exitSent = true;
      yield event("exit", { ...endJson(process.end), ...stateJson(process) }, at);
      if (options.until === "exit") return;
    }
    const piece = nextPiece(process, at);
    if (piece !== undefined) {
      if (piece.gap > 0) {
        options.onGap?.(piece.gap);
        const data = { stream: piece.stream, offset: at[piece.stream], bytes: piece.gap };
        at[piece.stream] += piece.gap;
        held?.moved(logOf(process, piece.stream), at[piece.stream]);
        yield event("gap", data, at);
      }
      if (piece.bytes.length > 0) {
        const data = { stream: piece.stream, offset: at[piece.stream], ...payload(piece.bytes) };
        at[piece.stream] += piece.bytes.length;
        held?.moved(logOf(process, piece.stream), at[piece.stream]);
        yield event("output", data, at);
      }
    } else if (exitSent && !process.outputOpen) {
      yield event("closed", { output_bytes: process.outputBytes }, at);
      return;
    } else if (await isQuiet(process, clock, signal)) {
      yield { comment: "keep-alive" };
    }
  }
}

/** Reads the position that an event's id names; `undefined` when it is no such id. */
export function parsePosition(id: string): StreamPosition | undefined {
  const [, output, errors] = /^(\d{1,15})\.(\d{1,15})$/.exec(id) ?? [];
  return output === undefined ? undefined : { output: Number(output), errors: Number(errors) };
}

function hasReached(at: StreamPosition, goal: StreamPosition): boolean {
  return at.output >= goal.output && at.errors >= goal.errors;
}

function logOf(process: TrackedProcess, stream: StreamName): OutputLog {
  return stream === "errors" ? process.errors ?? process.output : process.output;
}

interface Piece {
  readonly stream: StreamName;
  /** Bytes missing before `bytes`. */
  readonly gap: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function nextPiece(process: TrackedProcess, at: Record<StreamName, number>): Piece | undefined {
  return pieceOf(process, "output", process.output, at.output) ??
    (process.errors === null ? undefined : pieceOf(process, "errors", process.errors, at.errors));
}

function pieceOf(process: TrackedProcess, stream: StreamName, log: OutputLog, at: number): Piece | undefined {
  const { offset, bytes } = log.read(at, MAX_EVENT_BYTES);
  const gap = offset - at;
  if (bytes.length === 0) return gap > 0 ? { stream, gap, bytes } : undefined;
  // A character that is not complete yet waits for its rest, unless there is nothing to wait for.
  const mayGrow = process.end === undefined || bytes.length === MAX_EVENT_BYTES;
  const whole = mayGrow ? bytes.slice(0, completeUtf8Length(bytes)) : bytes;
  return whole.length > 0 || gap > 0 ? { stream, gap, bytes: whole } : undefined;
}

/** Text where the bytes are text; both forms give back exactly the bytes that were written. */
function payload(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: encodeBase64(bytes) };
  }
}

function event(name: string, data: unknown, at: StreamPosition): ServerSentEventMessage {
  return { event: name, id: `${at.output}.${at.errors}`, data: JSON.stringify(data) };
}

/** Waits for the next change. Resolves with `true` when there was none for so long that a sign of life is due. */
async function isQuiet(process: TrackedProcess, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  try {
    return await Promise.race([
      process.nextChange(either).then(() => false),
      clock.sleep(KEEP_ALIVE_MS, either).then(() => true, () => false),
    ]);
  } finally {
    over.abort();
  }
}
