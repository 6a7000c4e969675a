/**
 * Reading what a child writes, without waiting for those who only hold its pipe.
 *
 * @module
 */

import { nextTurn } from "../next_turn.ts";
import type { Child, ExitStatus } from "../plugin.ts";
import { EndMark } from "./end_mark.ts";
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
/**
 * Time for the end of the output to come by itself when nobody is left in the group, in milliseconds. Nothing depends on it
 * but the work that is saved.
 */
const END_OF_FILE_MS = 20;
/** Where no mark can be written: silence after which the output of a process with living descendants counts as read. */
const QUIET_MS = 50;
/** The same when nobody is left in the group, in milliseconds: end-of-file is on its way, unless somebody outside holds the pipe. */
const QUIET_ALONE_MS = 500;
/** Steps in which silence is measured, in milliseconds. */
const STEP_MS = 5;

/**
 * Starts to read everything `child` writes, and goes on after its end for as long as a descendant holds the output, so that
 * none of them is killed by SIGPIPE.
 *
 * When {@linkcode OutputReading.settled} resolves: with the end of the output, which comes after every byte, unless a
 * descendant holds it. Then that end does not come, and the news of the exit alone does not tell that everything was read:
 * the runtime reads pipes and waits for children on different ways. So after the exit a mark is put into the pipe, behind
 * everything the main process wrote, and the exit is told when the mark, which is in no output, has come through. A pipe that
 * descendants keep full takes no mark; there the exit is told when more came than a pipe can hold. Where marks are not
 * possible (no Linux, or the process had closed its output or ended before its pipe could be looked at), silence has to do.
 */
export function readOutput(child: Child, sink: OutputSink): OutputReading {
  const streams = [
    new MarkedStream(child.output, (chunk) => sink.output(chunk), new EndMark(child.pipes?.output)),
    ...(child.errors === null
      ? []
      : [new MarkedStream(child.errors, (chunk) => sink.errors?.(chunk), new EndMark(child.pipes?.errors))]),
  ];
  const closed = Promise.all(streams.map((stream) => stream.closed)).then(() => {});

  async function settle(): Promise<ExitStatus> {
    const status = await child.exited;
    const isAlone = !groupExists(child.pid);
    if (isAlone) await within(END_OF_FILE_MS, closed);
    await Promise.all(streams.map((stream) => stream.readSoFar(isAlone ? QUIET_ALONE_MS : QUIET_MS)));
    // Whoever asks after the end whether the output is closed gets the same answer as the streams did.
    if (streams.every((stream) => !stream.isOpen)) await closed;
    return status;
  }

  return {
    settled: settle(),
    closed,
    cancel: async () => {
      await Promise.all(streams.map((stream) => stream.cancel()));
      await closed;
    },
  };
}

/** One stream being read, which can tell when everything that was in it at some moment has come. */
class MarkedStream {
  /** Resolves at the end. Never rejects. */
  readonly closed: Promise<void>;
  isOpen = true;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #take: OutputSink["output"];
  readonly #mark: EndMark;
  #marking: "no" | "full" | "written" | "found" = "no";
  readonly #found = Promise.withResolvers<void>();
  /** Bytes after which everything older is through. */
  #limit = Infinity;
  #bytes = 0;
  #taking: unknown;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: OutputSink["output"], mark: EndMark) {
    this.#take = take;
    this.#mark = mark;
    this.#reader = stream.getReader();
    this.closed = pump(this.#reader, (chunk) => this.#pass(chunk)).then(() => void (this.isOpen = false));
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  /**
   * Resolves when everything that was written before the call went to the sink.
   *
   * @param quietMs Silence that has to do where no mark can be written.
   */
  async readSoFar(quietMs: number): Promise<void> {
    if (!this.isOpen) return;
    const limit = this.#bytes + PIPE_BYTES;
    const written = this.#mark.write();
    if (written === "unknown") return await this.#silence(quietMs, limit);
    this.#marking = written;
    this.#limit = limit;
    await Promise.race([this.#found.promise, this.closed]);
  }

  async #silence(quietMs: number, limit: number): Promise<void> {
    for (let before = -1; this.isOpen && this.#bytes !== before && this.#bytes <= limit;) {
      // Silence of the reader's own making says nothing about the child.
      while (this.#taking !== undefined) await this.#taking;
      before = this.#bytes;
      // Time in which the event loop stood still is no silence: in small steps, the loop has read pipes in between.
      for (let ms = 0; ms < quietMs && this.isOpen && this.#bytes === before; ms += STEP_MS) {
        await within(STEP_MS, this.closed);
        await nextTurn();
      }
    }
  }

  #pass(chunk: Uint8Array<ArrayBuffer>): void | Promise<void> {
    if (this.#marking === "written") return this.#passMarked(chunk);
    const taken = this.#deliver(chunk);
    if (this.#marking === "full") {
      if (this.#bytes > this.#limit) this.#foundMark();
      else if (this.#mark.write() === "written") this.#marking = "written";
    }
    return taken;
  }

  async #passMarked(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    const { before, after } = this.#mark.filter(chunk);
    if (before.length > 0) await this.#deliver(before);
    if (after === undefined) return;
    this.#foundMark();
    if (after.length > 0) await this.#deliver(after);
  }

  #foundMark(): void {
    this.#marking = "found";
    this.#found.resolve();
  }

  #deliver(chunk: Uint8Array<ArrayBuffer>): void | Promise<void> {
    this.#bytes += chunk.length;
    const taken = this.#take(chunk);
    if (!(taken instanceof Promise)) return;
    this.#taking = taken;
    return taken.then(() => void (this.#taking = undefined));
  }
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
