/**
 * Every process that clients started and that is not forgotten yet.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { tightest } from "../../core/exec/resource_limits.ts";
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import type { Child, Clock, Exec, Logger } from "../../core/plugin.ts";
import type { AgentprocConfig } from "./config.ts";
import { ClientTokenError, ProcessLimitError, TableClosedError } from "./process_errors.ts";
import { type ProcessEnd, type StartRequest, TrackedProcess } from "./tracked_process.ts";

/** What {@linkcode ProcessTable} is made from. */
export interface ProcessTableOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: AgentprocConfig;
  /** Called with the number of bytes of each piece of output. Must not throw. */
  readonly onOutput?: (bytes: number) => void;
  /** Called once for each process that was started. Must not throw. */
  readonly onStart?: (process: TrackedProcess) => void;
  /** Called once for each process that ended. Must not throw. */
  readonly onEnd?: (process: TrackedProcess, end: ProcessEnd) => void;
}

/** What a start led to. */
export interface StartResult {
  readonly process: TrackedProcess;
  /** The client token named a process that was started before; nothing was started now. */
  readonly attached: boolean;
}

interface TokenEntry {
  /** The request and its chat, for comparison. */
  readonly fingerprint: string;
  readonly process: Promise<TrackedProcess>;
}

/** Starts processes, finds them again, and forgets them after their end. State lives in memory only. */
export class ProcessTable {
  readonly #options: ProcessTableOptions;
  /** In order of start. */
  readonly #processes = new Map<string, TrackedProcess>();
  /** Ended processes in order of their end. */
  readonly #ended = new Set<TrackedProcess>();
  /** Processes whose output is still read, whether they are forgotten or not. */
  readonly #open = new Set<TrackedProcess>();
  readonly #tokens = new Map<string, TokenEntry>();
  /** Starts under way, which count as alive. */
  #starting = 0;
  #closed = false;

  constructor(options: ProcessTableOptions) {
    this.#options = options;
  }

  /** Processes that run, and starts under way. */
  get alive(): number {
    return this.#processes.size - this.#ended.size + this.#starting;
  }

  /**
   * Starts a process, or finds the one that was started with the same client token.
   *
   * @throws {ProcessLimitError} When the limit is reached.
   * @throws {ClientTokenError} When the token was used with other parameters, or by another chat.
   * @throws {TableClosedError} When the plugin stops, also when it began to while the process was being started.
   * @throws {SpawnError} When the system refuses.
   */
  async start(request: StartRequest, chat?: ChatIdentity): Promise<StartResult> {
    if (request.clientToken === undefined) return { process: await this.#start(request, chat), attached: false };

    const fingerprint = fingerprintOf(request, chat);
    const known = this.#tokens.get(request.clientToken);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw new ClientTokenError(request.clientToken);
      return { process: await known.process, attached: true };
    }
    // Taken before anything waits, so that two starts at once cannot both run the command.
    const process = this.#start(request, chat);
    this.#tokens.set(request.clientToken, { fingerprint, process });
    try {
      return { process: await process, attached: false };
    } catch (error) {
      this.#tokens.delete(request.clientToken);
      throw error;
    }
  }

  /** The process with this id. With a chat, one that belongs to another chat, or to none, is not found. */
  find(id: string, chat?: ChatIdentity): TrackedProcess | undefined {
    const process = this.#processes.get(id);
    return process !== undefined && isVisible(process, chat) ? process : undefined;
  }

  /** The process that was started with this token, under the same rule. Waits for a start under way. */
  async findByToken(token: string, chat?: ChatIdentity): Promise<TrackedProcess | undefined> {
    // A start that fails leaves nothing behind, so there is nothing to find.
    const process = await this.#tokens.get(token)?.process.catch(() => undefined);
    return process !== undefined && isVisible(process, chat) ? process : undefined;
  }

  /** Running ones first, then the newest, at most `config.listLimit`. Forgets what ended too long ago. */
  list(chat?: ChatIdentity): readonly TrackedProcess[] {
    this.forget();
    // The map keeps the order of start, so reversing it and sorting stably by state is enough.
    return [...this.#processes.values()].reverse()
      .filter((process) => isVisible(process, chat))
      .toSorted((a, b) => Number(a.end !== undefined) - Number(b.end !== undefined))
      .slice(0, this.#options.config.listLimit);
  }

  /**
   * Forgets what ended too long ago, unless a descendant still holds its output, and the oldest beyond the limits of number
   * and memory.
   */
  forget(): void {
    const { forgetAfterMs, maxExited, retainedBytes } = this.#options.config;
    const oldest = elapsedOn(this.#options.clock) - forgetAfterMs;
    for (const process of this.#ended) {
      const expired = process.end !== undefined && process.end.elapsedAtMs < oldest;
      if (!expired && this.#ended.size <= maxExited) break;
      if (process.outputOpen && this.#ended.size <= maxExited) continue;
      this.#ended.delete(process);
      this.#processes.delete(process.id);
      if (process.request.clientToken !== undefined) this.#tokens.delete(process.request.clientToken);
    }
    let held = 0;
    for (const process of this.#ended) held += process.heldBytes;
    for (const process of this.#ended) {
      if (held <= retainedBytes) break;
      held -= process.heldBytes;
      process.releaseStreams();
    }
  }

  /**
   * Asks every group to end (SIGTERM, and SIGCONT for those that are stopped), and waits for their main processes until
   * `signal` aborts or `config.terminateMs` is over.
   */
  async terminate(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    const running = [...this.#processes.values()].filter((process) => process.end === undefined);
    for (const process of running) this.#kill(process, "SIGTERM", "SIGCONT");
    const over = new AbortController();
    const deadline = this.#options.clock.sleep(
      this.#options.config.terminateMs,
      AbortSignal.any([signal, over.signal]),
    );
    await Promise.race([
      Promise.all(running.map((process) => process.ended)),
      // Either way waiting is over: the processes ended, or time is up and close() will kill them.
      deadline.catch(() => {}),
    ]);
    over.abort();
  }

  /** Refuses further starts and kills everything, also what ended processes left behind. Resolves when all output is read. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open].map(async (process) => {
      this.#kill(process, "SIGKILL");
      await process.close();
    }));
  }

  async #start(request: StartRequest, chat: ChatIdentity | undefined): Promise<TrackedProcess> {
    const { exec, clock, config } = this.#options;
    if (this.#closed) throw new TableClosedError();
    if (this.alive >= config.maxProcesses) throw new ProcessLimitError(this.alive, config.maxProcesses);
    this.#starting++;
    try {
      const directory = await exec.directory(request.workdir);
      const child = await exec.spawn({
        command: request.args === undefined ? request.command : [request.command, ...request.args],
        cwd: directory,
        env: { overrides: { ...request.env, ...(chat && { CODER_CHAT_ID: chat.chatId }) } },
        stdin: request.stdin,
        output: request.output,
        limits: tightest(config.limits, request.limits),
      });
      if (this.#closed) await abandon(child);
      const id = crypto.randomUUID();
      const process = new TrackedProcess({
        id,
        child,
        request,
        chat,
        directory,
        clock,
        onOutput: this.#options.onOutput,
        limits: config,
      });
      this.#processes.set(id, process);
      this.#open.add(process);
      this.#options.onStart?.(process);
      process.ended.then((end) => this.#onEnd(process, end));
      process.outputClosed.then(() => this.#open.delete(process));
      return process;
    } finally {
      this.#starting--;
    }
  }

  #onEnd(process: TrackedProcess, end: ProcessEnd): void {
    this.#ended.add(process);
    this.forget();
    this.#options.onEnd?.(process, end);
  }

  #kill(process: TrackedProcess, ...signals: readonly Deno.Signal[]): void {
    try {
      for (const signal of signals) process.kill(signal);
    } catch (error) {
      this.#options.log.warn("process cannot be signalled", { process: process.id, error: messageOf(error) });
    }
  }
}

/** The table was closed while the system started the child: nobody knows it, so nobody else would end it. */
async function abandon(child: Child): Promise<never> {
  child.kill("SIGKILL");
  await Promise.all([child.output.cancel(), child.errors?.cancel(), child.stdin?.abort(), child.exited]);
  throw new TableClosedError();
}

function isVisible(process: TrackedProcess, chat: ChatIdentity | undefined): boolean {
  return chat === undefined || process.chat?.chatId === chat.chatId;
}

/** Equal for requests that would start the same thing; the order of variables does not matter. */
function fingerprintOf(request: StartRequest, chat: ChatIdentity | undefined): string {
  const { command, args, workdir, env, background, output, stdin, holdOutput, limits } = request;
  const variables = Object.entries(env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    command,
    args ?? null,
    workdir ?? "",
    variables,
    background,
    output,
    stdin,
    holdOutput,
    limits ?? null,
    chat?.chatId ?? "",
  ]);
}
