/**
 * A stand-in for the process in tests of commands.
 *
 * @module
 */
import type { ProgramEnd, RunOptions, Variables } from "../plugin.ts";
import type { EndSignal } from "./end_signal.ts";
import type { CommandIo } from "./io.ts";

/** What {@linkcode RecordedIo} takes. */
export interface RecordedIoOptions {
  /** Default: none. */
  readonly env?: Variables;
  /** Default: `/`. */
  readonly cwd?: string;
  /** Standard input as text. Default: a terminal. */
  readonly input?: string;
  /** Answers {@linkcode CommandIo.run}. Default: every program ends with 0 and says nothing. */
  readonly run?: (command: readonly [string, ...string[]], options: RunOptions) => Promise<ProgramEnd>;
}

/** Remembers what was written, and raises signals on demand. */
export class RecordedIo implements CommandIo {
  readonly env: Variables;
  readonly cwd: string;
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Everything written to standard output. */
  output = "";
  /** Everything written to standard error. */
  errors = "";
  readonly #run: NonNullable<RecordedIoOptions["run"]>;
  readonly #handlers = new Set<(signal: EndSignal) => void>();
  readonly #reloads = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(options: RecordedIoOptions = {}) {
    this.env = options.env ?? {};
    this.cwd = options.cwd ?? "/";
    this.#run = options.run ?? (() => Promise.resolve({ exitCode: 0, output: "" }));
    this.input = options.input === undefined ? null : new Blob([options.input]).stream();
  }

  out(text: string | Uint8Array): Promise<void> {
    this.output += asText(text);
    return this.#written();
  }

  err(text: string | Uint8Array): Promise<void> {
    this.errors += asText(text);
    return this.#written();
  }

  onSignal(handler: (signal: EndSignal) => void): Disposable {
    this.#handlers.add(handler);
    return { [Symbol.dispose]: () => void this.#handlers.delete(handler) };
  }

  run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<ProgramEnd> {
    return this.#run(command, options);
  }

  onReload(handler: () => void): Disposable {
    this.#reloads.add(handler);
    return { [Symbol.dispose]: () => void this.#reloads.delete(handler) };
  }

  /** Asks for a reload as SIGUSR1 does. */
  reload(): void {
    for (const handler of this.#reloads) handler();
  }

  /** Raises a signal. */
  signal(signal: EndSignal): void {
    for (const handler of this.#handlers) handler(signal);
  }

  /** Resolves when standard output matches. Waits for ever if it never does. */
  async outputs(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.output)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.output;
  }

  #written(): Promise<void> {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    return Promise.resolve();
  }
}

function asText(text: string | Uint8Array): string {
  return typeof text === "string" ? text : new TextDecoder().decode(text);
}
