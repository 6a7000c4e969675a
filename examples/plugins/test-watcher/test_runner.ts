/**
 * Runs the command, one run at a time; a change during a run leads to another one after it.
 *
 * @module
 */
import type { Child, Clock, Exec, Logger, PtySize } from "@outpost/agent";
import type { TestWatcherConfig } from "./config.ts";
import { RunEnd } from "./run_end.ts";
import type { RunHistory, TestRun } from "./run_history.ts";

/** What {@linkcode TestRunner} works with. */
export interface TestRunnerWork {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asked at each run. */
  readonly config: TestWatcherConfig;
  readonly history: RunHistory;
  readonly onEnd: (run: TestRun) => void;
}

/** Names of changed files kept per run; a checkout changes thousands. */
const MAX_NAMED = 20;

/** See the module. */
export class TestRunner {
  readonly #work: TestRunnerWork;
  readonly #changed = new Set<string>();
  #wake: () => void = () => {};
  #runs = 0;
  #child: Child | undefined;

  constructor(work: TestRunnerWork) {
    this.#work = work;
  }

  /** Asks for a run because of `path`. Returns at once, with the number of the run that will have seen it. */
  request(path: string): number {
    this.#changed.add(path);
    this.#wake();
    return this.#runs + 1;
  }

  /** Tells the present run that its terminal has another size. Does nothing where there is none. */
  resize(size: PtySize): void {
    this.#child?.terminal?.resize(size);
  }

  /** Types into the terminal of the present run. Does nothing where there is none. */
  async type(text: string): Promise<void> {
    const { terminal, stdin } = this.#child ?? {};
    if (terminal !== undefined && stdin) await write(stdin, text);
  }

  /** Runs whenever somebody asked, until `signal` aborts. @throws {SpawnError} If the command cannot be started. */
  async serve(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      if (this.#changed.size === 0) {
        await woken;
        continue;
      }
      await this.#settle(signal);
      if (!signal.aborted) await this.#run(signal);
    }
  }

  /** Waits until nothing has changed for a while: an editor or a checkout writes many files. */
  async #settle(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#work;
    for (let seen = -1; seen !== this.#changed.size && !signal.aborted;) {
      seen = this.#changed.size;
      await clock.sleep(config.settleMs, signal).catch(() => {}); // Aborted: the loop ends.
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, config, history, log, onEnd } = this.#work;
    const changed = [...this.#changed];
    this.#changed.clear();
    const started = { number: ++this.#runs, startedAt: clock.now(), changed: changed.slice(0, MAX_NAMED) };
    // Not the difference of two times of day, which jump when somebody sets the clock.
    const elapsed = () => clock.elapsed?.() ?? clock.now();
    const begin = elapsed();
    const child = this.#child = await this.#start(signal);
    log.debug("run started", { run: started.number, pid: child.pid, terminal: child.terminal?.device });
    history.put({ ...started, state: "running", output: "" });
    // A terminal is for people who type; other commands read there what changed.
    if (child.terminal === undefined && child.stdin) void hand(child.stdin, changed);
    const end = new RunEnd(child, { clock, runMs: config.runMs, signal });
    const [output, errors, { code, signal: endedBy, oom }] = await Promise.all([
      tailOf(child.output, config.outputBytes),
      child.errors === null ? undefined : tailOf(child.errors, config.outputBytes),
      child.exited,
    ]);
    this.#child = undefined;
    const { survivors } = await end.reached();
    if (survivors.length > 0) log.warn("processes of the run could not be ended", { run: started.number, survivors });
    const run: TestRun = {
      ...started,
      state: end.wasForced || signal.aborted ? "stopped" : code === 0 ? "passed" : "failed",
      durationMs: elapsed() - begin,
      ...(code === null ? { endedBy: endedBy ?? undefined } : { exitCode: code }),
      ...(oom ? { outOfMemory: true, limitedBy: child.limits?.memory } : {}),
      output,
      ...(errors === undefined ? {} : { errors }),
    };
    history.put(run);
    onEnd(run);
  }

  async #start(signal: AbortSignal): Promise<Child> {
    const { exec, config: { command, directory, limits, separateErrors, terminal } } = this.#work;
    return await exec.spawn({
      command,
      cwd: directory ?? await exec.directory(),
      ...{ signal, limits },
      ...(terminal === null
        ? { stdin: "piped", output: separateErrors ? "separate" : "merged" }
        : { pty: terminal, env: { base: { TERM: "xterm-256color" } } }),
    });
  }
}

/** Writes the names, a line each, and ends the input. */
async function hand(stdin: WritableStream<Uint8Array>, names: readonly string[]): Promise<void> {
  await write(stdin, names.map((name) => `${name}\n`).join(""));
  await stdin.close().catch(() => {}); // See write().
}

async function write(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  // Most commands do not read, and some have ended before: that is no failure of the run.
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  writer.releaseLock();
}

async function tailOf(output: ReadableStream<Uint8Array>, bytes: number): Promise<string> {
  let tail = new Uint8Array();
  for await (const chunk of output) {
    const joined = new Uint8Array(tail.length + chunk.length);
    joined.set(tail);
    joined.set(chunk, tail.length);
    tail = joined.slice(Math.max(0, joined.length - bytes));
  }
  return new TextDecoder().decode(tail);
}
