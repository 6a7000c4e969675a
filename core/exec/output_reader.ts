/**
 * Reading what a child writes, without waiting for those who only hold its pipe.
 *
 * @module
 */
import type { Child, ExitStatus } from "../plugin.ts";
import { groupExists } from "./process_group.ts";

/**
 * Where the bytes go. Called in order, one at a time; a chunk belongs to the callee. While a promise that was returned is
 * pending, that stream is not read, and so the child waits when its pipe is full. It must not reject. Anything else that is
 * returned means nothing.
 */
export interface OutputSink {
  /** Merged output, or standard output alone. */
  output(chunk: Uint8Array<ArrayBuffer>): unknown;
  /** Standard error, when it is separate. Default: dropped. */
  errors?(chunk: Uint8Array<ArrayBuffer>): unknown;
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
/** Silence after which the output of a process with living descendants counts as read, in milliseconds. */
const QUIET_MS = 50;
/** The same when nobody is left in the group, in milliseconds: end-of-file is on its way, unless somebody outside holds the pipe. */
const QUIET_ALONE_MS = 500;

/**
 * Starts to read everything `child` writes, and goes on after its end for as long as a descendant holds the output, so that
 * none of them is killed by SIGPIPE.
 *
 * When {@linkcode OutputReading.settled} resolves: if the main process was the last of its group, with the end of the output,
 * which comes after every byte. If a descendant is left, that end does not come, and the news of the exit alone does not tell
 * that everything was read: in bursts of 200 simultaneous commands the runtime delivered bytes up to 20 ms after it. Then the
 * exit is held back until nothing came for 50 ms, or more came than a pipe can hold (a descendant is writing without
 * pause, and everything older is through). If nobody is left in the group and the output stays open all the same, somebody who
 * left the group holds it, and 500 ms of silence end the wait.
 */
export function readOutput(child: Child, sink: OutputSink): OutputReading {
  let bytes = 0;
  let open = child.errors === null ? 1 : 2;
  const held = new Set<Promise<unknown>>();
  const counted = (take: OutputSink["output"]) => (chunk: Uint8Array<ArrayBuffer>) => {
    bytes += chunk.length;
    const taken = take(chunk);
    if (!(taken instanceof Promise)) return;
    held.add(taken);
    return taken.then(() => void held.delete(taken));
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
    const quietMs = groupExists(child.pid) ? QUIET_MS : QUIET_ALONE_MS;
    for (let before = -1; open > 0 && bytes !== before && bytes - atEnd <= limit;) {
      // Silence of the reader's own making says nothing about the child.
      while (held.size > 0) await Promise.all(held);
      before = bytes;
      await within(quietMs, closed);
    }
    // Whoever asks after the end whether the output is closed gets the same answer as this loop did.
    if (open === 0) await closed;
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

async function pump<Chunk>(
  reader: ReadableStreamDefaultReader<Chunk>,
  take: (chunk: Chunk) => void | Promise<void>,
): Promise<void> {
  // Cancelled, or the pipe broke: for a reader both are the end.
  const next = () => reader.read().catch(() => END);
  for (let part = await next(); !part.done; part = await next()) {
    const taken = take(part.value);
    if (taken !== undefined) await taken;
  }
}

const END = { done: true, value: undefined } as const;

/** Resolves after `ms`, or when `event` does. */
async function within(ms: number, event: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, ms);
  await Promise.race([timer.promise, event]);
  clearTimeout(id);
}
