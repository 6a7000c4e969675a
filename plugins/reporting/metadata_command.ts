/**
 * Runs the script of one metadata item: to its end or its timeout, with bounded output.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import { commandOf } from "../../core/exec/script_command.ts";
import type { Child, Clock, EnvironmentLayers, Exec, ExitStatus } from "../../core/plugin.ts";

/** What came of one run. Value and error may both be there. */
export interface MetadataResult {
  /** When the run began, in milliseconds since the epoch. */
  readonly collectedAtMs: number;
  readonly value: string;
  /** Empty when all went well. */
  readonly error: string;
}

/** The user whose shell runs the scripts. */
export interface ScriptUser {
  /** Absolute path. */
  readonly shell: string;
  readonly env: EnvironmentLayers;
}

/** What a run needs. */
export interface MetadataCommandWork {
  readonly exec: Exec;
  readonly clock: Clock;
  /** Looked up for each run; what it throws becomes the item's error. */
  readonly user: () => Promise<ScriptUser>;
  readonly maxOutputBytes: number;
}

/** One script to run. */
export interface MetadataCommand {
  readonly script: string;
  readonly timeoutMs: number;
}

/** Stands for a byte that no database of texts takes. */
const UNREADABLE = "\u274C";

/** Never rejects: what fails is the error of the item. An aborted run is killed, and its result means nothing. */
export async function runMetadataCommand(
  { script, timeoutMs }: MetadataCommand,
  work: MetadataCommandWork,
  signal: AbortSignal,
): Promise<MetadataResult> {
  const collectedAtMs = work.clock.now();
  let user: ScriptUser;
  try {
    user = await work.user();
  } catch (error) {
    return { collectedAtMs, value: "", error: `create cmd: ${messageOf(error)}` };
  }
  let child: Child;
  try {
    child = await work.exec.spawn({ command: commandOf(script, user.shell), env: user.env });
  } catch (error) {
    return { collectedAtMs, value: "", error: `start cmd: ${messageOf(error)}` };
  }
  const output = new BoundedOutput(child.output, work.maxOutputBytes);
  const isInTime = await endsWithin(Promise.all([child.exited, output.ended]), timeoutMs, work.clock, signal);
  if (!isInTime) {
    await child.killTree();
    await output.cancel();
  }
  const errors = [
    describeExit(await child.exited),
    output.totalBytes > work.maxOutputBytes &&
    `output truncated from ${output.totalBytes} to ${work.maxOutputBytes} bytes`,
    !isInTime && "context deadline exceeded",
  ].filter((text) => typeof text === "string");
  return { collectedAtMs, value: output.text, error: errors.length === 0 ? "" : `run cmd: ${errors.join("\n")}` };
}

async function endsWithin(end: Promise<unknown>, ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const done = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([done.signal, signal])).then(() => false, () => false);
  const isInTime = await Promise.race([end.then(() => true), late]);
  done.abort();
  return isInTime;
}

/** Texts as the reference has them: people and programs look for "exit status 1". */
function describeExit({ code, signal }: ExitStatus): string | undefined {
  if (code === 0) return undefined;
  if (code !== null) return `exit status ${code}`;
  return `signal: ${signal === null ? "unknown" : SIGNAL_TEXTS[signal] ?? signal}`;
}

const SIGNAL_TEXTS: Partial<Readonly<Record<Deno.Signal, string>>> = {
  SIGABRT: "aborted",
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

/** Keeps the first bytes of a stream and counts the rest, so that the writer is never held up. */
class BoundedOutput {
  /** Resolves at the end of the stream. Never rejects. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #kept: Uint8Array[] = [];
  readonly #maxBytes: number;
  #keptBytes = 0;
  #totalBytes = 0;

  constructor(stream: ReadableStream<Uint8Array>, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#reader = stream.getReader();
    this.ended = this.#read();
  }

  /** Bytes seen so far. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** What was kept, without a character that the limit cut in two. */
  get text(): string {
    const decoder = new TextDecoder();
    const isCut = this.#totalBytes > this.#maxBytes;
    const parts = this.#kept.map((part) => decoder.decode(part, { stream: true }));
    return (parts.join("") + (isCut ? "" : decoder.decode())).replaceAll("\0", UNREADABLE);
  }

  /** Stops reading, whoever still holds the other end. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
    await this.ended;
  }

  async #read(): Promise<void> {
    try {
      for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
        const part = next.value.slice(0, this.#maxBytes - this.#keptBytes);
        if (part.length > 0) this.#kept.push(part);
        this.#keptBytes += part.length;
        this.#totalBytes += next.value.length;
      }
    } catch {
      // The pipe broke: what came before is the output.
    }
  }
}
