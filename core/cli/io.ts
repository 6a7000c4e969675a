/**
 * What the commands see of the process, so that tests can stand in for it.
 *
 * @module
 */
import type { ProgramEnd, RunOptions, Variables } from "../plugin.ts";
import { END_SIGNALS, type OnEndSignal } from "./end_signal.ts";
import { runProgram } from "./run_program.ts";

/** The process as commands use it. */
export interface CommandIo {
  readonly env: Variables;
  /** Absolute. */
  readonly cwd: string;
  /** Writes to standard output as it is. Resolves when written. */
  out(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error as it is. Resolves when written. */
  err(text: string | Uint8Array): Promise<void>;
  /** Standard input; `null` when it is a terminal, where nobody has prepared anything. */
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Calls `handler` for SIGINT, SIGTERM and SIGHUP until disposed. */
  readonly onSignal: OnEndSignal;
  /** Runs a program in this process's place. @throws {SpawnError} When it cannot be started. */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<ProgramEnd>;
  /** Calls `handler` for SIGUSR1 until disposed; never where there is no such signal. */
  onReload(handler: () => void): Disposable;
}

/** The real process. */
export function processIo(): CommandIo {
  const encoder = new TextEncoder();
  const write = async (target: { write(bytes: Uint8Array): Promise<number> }, text: string | Uint8Array) => {
    let rest = typeof text === "string" ? encoder.encode(text) : text;
    try {
      while (rest.length > 0) rest = rest.subarray(await target.write(rest));
    } catch (error) {
      // The reader went away, as in `outpost ps | head -1`: nobody misses the rest.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  const io: CommandIo = {
    // deno-lint-ignore outpost/child-environment -- the process itself, which children never see as it is
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    run: (command, options) => runProgram(command, { ...options, onSignal: io.onSignal }),
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    get input() {
      return Deno.stdin.isTerminal() ? null : Deno.stdin.readable;
    },
    onSignal: (handler) => listen(END_SIGNALS.map((signal) => [signal, () => handler(signal)])),
    onReload: (handler) => listen(Deno.build.os === "windows" ? [] : [["SIGUSR1", handler]]),
  };
  return io;
}

function listen(listeners: readonly (readonly [Deno.Signal, () => void])[]): Disposable {
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
