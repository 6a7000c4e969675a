/**
 * Reading what a child writes, without waiting for those who only hold its pipe.
 *
 * @module
 */
import { setImmediate } from "node:timers";

import type { Child, ExitStatus } from "../plugin.ts";

/** Where the bytes go. Called in order, one at a time; a chunk belongs to the callee. */
export interface OutputSink {
  /** Merged output, or standard output alone. */
  output(chunk: Uint8Array<ArrayBuffer>): void;
  /** Standard error, when it is separate. Default: dropped. */
  errors?(chunk: Uint8Array<ArrayBuffer>): void;
}

/** A child's output being read to its end. */
export interface OutputReading {
  /**
   * Resolves with the main process's own end, once everything written before that end went to the sink. Never rejects, and
   * never waits for a descendant that keeps the output open.
   */
  readonly settled: Promise<ExitStatus>;
  /** Resolves when nobody holds the output any more, or reading was cancelled. Never rejects. */
  readonly closed: Promise<void>;
  /** Stops reading. Whoever still writes gets SIGPIPE. */
  cancel(): Promise<void>;
}

/**
 * Most bytes that can wait in a pipe that an ordinary user enlarged: the kernel's `pipe-max-size`, pipe(7). What is read
 * beyond that after the end of the main process was written after it.
 */
const PIPE_BYTES = 1024 * 1024;
/**
 * Turns of the event loop without a byte after which a pipe counts as empty. One is enough by the reasoning below; the rest
 * is room for the runtime's own hand-over from one turn to the next.
 */
const QUIET_TURNS = 4;

/**
 * Starts to read everything `child` writes, and goes on after its end for as long as a descendant holds the output, so that
 * none of them is killed by SIGPIPE.
 *
 * Why {@linkcode OutputReading.settled} is complete: what the main process wrote was in the pipe before its end could be
 * seen, and the kernel reports readiness in that order. A read is always outstanding, so in the turn of the event loop that
 * brings the end, or in the one after it, these bytes arrive too. So the end is held back until the pipes are closed,
 * or some turns passed without a byte, or more bytes came than a pipe can hold (then a descendant is writing without pause,
 * and everything older is through).
 */
export function readOutput(child: Child, sink: OutputSink): OutputReading {
  let bytes = 0;
  let open = child.errors === null ? 1 : 2;
  const counted = (take: OutputSink["output"]) => (chunk: Uint8Array<ArrayBuffer>) => {
    bytes += chunk.length;
    take(chunk);
  };
  const readers = [
    { stream: child.output, take: counted((chunk) => sink.output(chunk)) },
    ...(child.errors === null ? [] : [{ stream: child.errors, take: counted((chunk) => sink.errors?.(chunk)) }]),
  ].map(({ stream, take }) => ({ reader: stream.getReader(), take }));
  const limit = PIPE_BYTES * readers.length;

  const closed = Promise.all(readers.map(async ({ reader, take }) => {
    await pump(reader, take);
    open--;
  })).then(() => {});

  async function settle(): Promise<ExitStatus> {
    const status = await child.exited;
    const atEnd = bytes;
    for (let quiet = 0; open > 0 && quiet < QUIET_TURNS && bytes - atEnd <= limit;) {
      const before = bytes;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = bytes === before ? quiet + 1 : 0;
    }
    return status;
  }

  return {
    settled: settle(),
    closed,
    cancel: async () => {
      await Promise.all(readers.map(({ reader }) => reader.cancel().catch(() => {})));
      await closed;
    },
  };
}

/** Reads `stream` to its end and forgets it: for output that nobody wants, which must not stop the child. */
export async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  await pump(stream.getReader(), () => {});
}

async function pump<Chunk>(reader: ReadableStreamDefaultReader<Chunk>, take: (chunk: Chunk) => void): Promise<void> {
  // Cancelled, or the pipe broke: for a reader both are the end.
  const next = () => reader.read().catch(() => END);
  for (let part = await next(); !part.done; part = await next()) take(part.value);
}

const END = { done: true, value: undefined } as const;
