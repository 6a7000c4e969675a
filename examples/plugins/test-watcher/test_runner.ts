/**
 * Runs the command, one run at a time; a change during a run leads to another one after it.
 *
 * @module
 */
import type { Clock, Exec } from "@outpost/agent";
import type { TestWatcherConfig } from "./config.ts";
import type { RunHistory, TestRun } from "./run_history.ts";

/** What {@linkcode TestRunner} works with. */
export interface TestRunnerWork {
  readonly exec: Exec;
  readonly clock: Clock;
  /** Asked at each run. */
  readonly config: TestWatcherConfig;
  readonly history: RunHistory;
  readonly onEnd: (run: TestRun) => void;
}

/** See the module. */
export class TestRunner {
  readonly #work: TestRunnerWork;
  readonly #changed = new Set<string>();
  #wake: () => void = () => {};
  #runs = 0;

  constructor(work: TestRunnerWork) {
    this.#work = work;
  }

  /** Asks for a run because of `path`. Returns at once. */
  request(path: string): void {
    this.#changed.add(path);
    this.#wake();
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
    const { exec, clock, config, history, onEnd } = this.#work;
    const started = { number: ++this.#runs, startedAt: clock.now(), changed: [...this.#changed].slice(0, MAX_NAMED) };
    this.#changed.clear();
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    const child = await exec.spawn({ command: config.command, cwd: config.directory, signal: ends });
    history.put({ ...started, state: "running", output: "" });
    const done = new AbortController();
    clock.sleep(config.runMs, done.signal).then(() => over.abort(new Error("it took too long")), () => {});
    const [output, { code }] = await Promise.all([tailOf(child.output, config.outputBytes), child.exited]);
    done.abort();
    await child.killTree(); // What it left in the background would hold files and ports of the next run.
    const run: TestRun = {
      ...started,
      state: ends.aborted ? "stopped" : code === 0 ? "passed" : "failed",
      durationMs: clock.now() - started.startedAt,
      ...(code === null ? {} : { exitCode: code }),
      output,
    };
    history.put(run);
    onEnd(run);
  }
}

/** Names of changed files kept per run; a checkout changes thousands. */
const MAX_NAMED = 20;

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
