/**
 * One process that was started for a client: what it is, what it wrote, how it ended.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import { type OutputReading, readOutput } from "../../core/exec/output_reader.ts";
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import type { Child, Clock, ExitStatus, KilledTree, LimitEnforcement, ResourceLimits } from "../../core/plugin.ts";
import { Waiters } from "../../core/waiters.ts";
import type { AgentprocConfig } from "./config.ts";
import { HeadTailBuffer } from "./head_tail_buffer.ts";
import { type HeldReader, OutputHold } from "./output_hold.ts";
import { OutputLog } from "./output_log.ts";

/** What a client asks to start. */
export interface StartRequest {
  /** A line for the shell, or a program when `args` is there. */
  readonly command: string;
  /** Arguments of the program `command`; then no shell is involved. */
  readonly args?: readonly string[];
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Only stored and shown. */
  readonly background: boolean;
  /** Starting again with the same token finds the first process. */
  readonly clientToken?: string;
  readonly output: "merged" | "separate";
  readonly stdin: "null" | "piped";
  /** The process waits for readers of its stream that are behind, see {@linkcode OutputHold}. */
  readonly holdOutput: boolean;
  /** What it may use with everything it starts. */
  readonly limits?: ResourceLimits;
}

/** How a process ended. */
export interface ProcessEnd extends ExitStatus {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The same moment, for durations. See {@linkcode elapsedOn}. */
  readonly elapsedAtMs: number;
  /** Where the streams stood: everything before was written before the end. */
  readonly position: StreamPosition;
}

/** A place in each stream, in bytes from its start. */
export interface StreamPosition {
  /** In merged output, or standard output alone. */
  readonly output: number;
  /** In standard error, when it is separate; else 0. */
  readonly errors: number;
}

/** What {@linkcode TrackedProcess} is made from. */
export interface TrackedProcessOptions {
  readonly id: string;
  readonly child: Child;
  readonly request: StartRequest;
  /** The chat it belongs to. */
  readonly chat?: ChatIdentity;
  /** The directory it was started in. */
  readonly directory: string;
  readonly clock: Clock;
  /** Called with the number of bytes of each piece of output. Must not throw. */
  readonly onOutput?: (bytes: number) => void;
  readonly limits: Pick<AgentprocConfig, "headBytes" | "tailBytes" | "maxLineBytes" | "streamBytes" | "readerGraceMs">;
}

/** Least that is kept of each stream of a process that waits for its readers, in bytes: with nothing kept it could not go on. */
const MIN_HELD_BYTES = 128 * 1024;

/** What is needed of a child to the end of its memory. */
type Remains = Pick<Child, "pid" | "limits" | "stdin" | "kill" | "killTree">;

/**
 * A process and its output.
 *
 * It counts as running until its main process has ended and everything that one wrote has been read; so who sees the end
 * sees the whole output. Descendants that keep the output open are read on after that.
 */
export class TrackedProcess {
  readonly id: string;
  readonly request: StartRequest;
  readonly chat?: ChatIdentity;
  readonly directory: string;
  readonly startedAtMs: number;
  /** Merged output, or standard output alone. */
  readonly output: OutputLog;
  /** Standard error, when it is separate. */
  readonly errors: OutputLog | null;
  /** What a model gets to see of all output. */
  readonly view: HeadTailBuffer;
  /** Resolves with the end. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves when nobody holds the output any more. Never rejects. */
  readonly outputClosed: Promise<void>;
  readonly #onOutput: (bytes: number) => void;
  #child: Remains;
  #reading: OutputReading | undefined;
  readonly #hold: OutputHold | undefined;
  readonly #watchers = new Waiters();
  #end: ProcessEnd | undefined;
  #outputOpen = true;

  constructor(options: TrackedProcessOptions) {
    const { limits, child, clock } = options;
    const { holdOutput } = options.request;
    const streamBytes = holdOutput ? Math.max(limits.streamBytes, MIN_HELD_BYTES) : limits.streamBytes;
    this.id = options.id;
    this.request = options.request;
    this.chat = options.chat;
    this.directory = options.directory;
    this.startedAtMs = clock.now();
    this.output = new OutputLog(streamBytes);
    this.errors = child.errors === null ? null : new OutputLog(streamBytes);
    this.view = new HeadTailBuffer(limits);
    this.#child = child;
    this.#onOutput = options.onOutput ?? (() => {});
    this.#hold = holdOutput ? new OutputHold({ clock, graceMs: limits.readerGraceMs }) : undefined;
    const reading = readOutput(child, {
      output: (chunk) => this.#write(this.output, chunk),
      errors: (chunk) => this.#write(this.errors ?? this.output, chunk),
    });
    this.#reading = reading;
    this.ended = reading.settled.then((status) => {
      const position = { output: this.output.end, errors: this.errors?.end ?? 0 };
      this.#end = { ...status, atMs: clock.now(), elapsedAtMs: elapsedOn(clock), position };
      closeInput(child);
      this.#changed();
      return this.#end;
    });
    this.outputClosed = reading.closed.then(() => {
      this.#outputOpen = false;
      this.#changed();
    });
    Promise.all([this.ended, this.outputClosed]).then(() => this.#letStreamsGo());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What holds it to its limits; `undefined` when it has none. */
  get enforcement(): LimitEnforcement | undefined {
    return this.#child.limits;
  }

  /** `undefined` while the process runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /** Whether the process, or after its end a descendant, can still write. */
  get outputOpen(): boolean {
    return this.#outputOpen;
  }

  /** Bytes written so far, on both streams together. */
  get outputBytes(): number {
    return this.view.totalBytes;
  }

  /** Standard input, when it was asked for. */
  get stdin(): WritableStream<Uint8Array> | null {
    return this.#child.stdin;
  }

  /** Signals the whole group. Returns `false` when nothing of it is left. */
  kill(signal: Deno.Signal): boolean {
    return this.#child.kill(signal);
  }

  /** Kills everything that came from the process, see {@linkcode Child.killTree}. */
  killTree(): Promise<KilledTree> {
    return this.#child.killTree();
  }

  /** Resolves at the next byte, the end, or the close of the output. Only what happens after the call counts. */
  nextChange(signal: AbortSignal): Promise<void> {
    return this.#watchers.wait(signal);
  }

  /** Bytes of memory held for readers of the streams. */
  get heldBytes(): number {
    return this.output.heldBytes + (this.errors?.heldBytes ?? 0);
  }

  /** Lets the process wait for a reader that stands at `place`, if it was started to; otherwise nothing waits for anybody. */
  attachReader(place: StreamPosition): HeldReader | undefined {
    const places = new Map([[this.output, place.output]]);
    if (this.errors !== null) places.set(this.errors, place.errors);
    return this.#hold?.attach(places);
  }

  /** Gives the memory of the streams back; the view stays. */
  releaseStreams(): void {
    this.output.release();
    this.errors?.release();
  }

  /** Waits for the end, and stops reading then, even if somebody outside the group holds the output. Kill it first. */
  async close(): Promise<void> {
    this.#hold?.release();
    await this.ended;
    await this.#reading?.cancel();
  }

  /** A stream that was read keeps its buffer of 64 KiB as long as anything names it, and an ended process is remembered for long. */
  #letStreamsGo(): void {
    const { pid, limits, stdin, kill, killTree } = this.#child;
    this.#child = { pid, limits, stdin, kill, killTree };
    this.#reading = undefined;
  }

  #write(log: OutputLog, chunk: Uint8Array): void | Promise<void> {
    return this.#hold === undefined
      ? this.#take(log, chunk)
      : this.#hold.write(log, chunk, (part) => this.#take(log, part));
  }

  #take(log: OutputLog, chunk: Uint8Array): void {
    log.write(chunk);
    this.view.write(chunk);
    this.#onOutput(chunk.length);
    this.#changed();
  }

  #changed(): void {
    this.#watchers.wake();
  }
}

/** Nobody reads the input any more. While a request writes to it, that request closes it. */
function closeInput(child: Child): void {
  if (child.stdin === null || child.stdin.locked) return;
  // The pipe may be broken or closed already, which is what is wanted.
  child.stdin.abort().catch(() => {});
}
