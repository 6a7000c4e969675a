/**
 * Runs the git program.
 *
 * @module
 */
import type { Exec } from "../../core/plugin.ts";

/** Git could not be started: it is not installed, or not on the PATH. */
export class GitMissingError extends Error {
  override readonly name = "GitMissingError";
  readonly code = "agentgit_git_missing";

  constructor(readonly program: string, options?: ErrorOptions) {
    super(`Cannot run "${program}": the program was not found`, options);
  }
}

/** How one git command is run. */
export interface GitOptions {
  /** Directory git works in, as with `git -C`. */
  readonly directory: string;
  /** Variables set for this command. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command. */
  readonly signal?: AbortSignal;
  /** Most bytes kept of the output; the command is ended when it writes more. Default: no limit. */
  readonly maxBytes?: number;
  /** Given each piece of output instead of collecting it. The next piece is read when this is done. */
  readonly onOutput?: (piece: Uint8Array) => void | Promise<void>;
}

/** What a git command did. */
export interface GitResult {
  readonly isOk: boolean;
  /** Exit code; `null` when a signal ended it. */
  readonly code: number | null;
  /** Standard output, unless `onOutput` took it. */
  readonly output: Uint8Array;
  /** Whether `maxBytes` cut the output. */
  readonly isCut: boolean;
  /** Start of what git wrote to standard error, for people. */
  readonly complaint: string;
}

/** Enough of an error message to recognise it. */
const MAX_COMPLAINT_BYTES = 1024;

/** No locks that a person's own git command would stumble over, no questions, and names taken literally. */
const VARIABLES = { GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", GIT_LITERAL_PATHSPECS: "1" };

/** What {@linkcode Git} is made of. */
export interface GitSettings {
  readonly exec: Exec;
  /** Default `"git"`, looked up on the PATH of the agent's children. */
  readonly program?: string;
  /** Files above this size are shown as binary instead of being compared, in bytes. */
  readonly maxComparedFileBytes: number;
}

/**
 * The git program with settings that make its output independent of the user's configuration.
 *
 * Takes no optional locks, so that it never gets into the way of the user's own git commands, and reads pathspecs
 * literally.
 */
export class Git {
  /** Commands started so far. */
  started = 0;
  readonly #exec: Exec;
  readonly #program: string;
  readonly #settings: readonly string[];

  constructor(settings: GitSettings) {
    this.#exec = settings.exec;
    this.#program = settings.program ?? "git";
    this.#settings = [
      ["core.quotePath", "true"],
      ["core.fsmonitor", "false"],
      ["core.bigFileThreshold", String(settings.maxComparedFileBytes)],
      ["diff.orderFile", "/dev/null"],
    ].flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  }

  /**
   * Runs one command to its end. A failing exit code is not an error here.
   *
   * @throws {GitMissingError} When git is not there.
   * @throws The signal's reason when aborted.
   */
  async run(args: readonly string[], options: GitOptions): Promise<GitResult> {
    options.signal?.throwIfAborted();
    const cut = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, cut.signal]) : cut.signal;
    const child = await this.#spawn(args, options, signal);
    const complaint = headOf(child.errors!, MAX_COMPLAINT_BYTES);
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const piece of child.output) {
        length += piece.length;
        if (options.maxBytes !== undefined && length > options.maxBytes) {
          cut.abort();
          break;
        }
        if (options.onOutput) await options.onOutput(piece);
        else pieces.push(piece);
      }
    } catch (error) {
      cut.abort(); // The reader gave up; git must not stay behind.
      await Promise.allSettled([child.exited, complaint]);
      throw error;
    }
    const [exit, text] = await Promise.all([child.exited, complaint]);
    options.signal?.throwIfAborted();
    const isCut = cut.signal.aborted;
    return { isOk: exit.code === 0 && !isCut, code: exit.code, output: join(pieces), isCut, complaint: text };
  }

  async #spawn(args: readonly string[], options: GitOptions, signal: AbortSignal) {
    try {
      const child = await this.#exec.spawn({
        command: [this.#program, ...this.#settings, "-C", options.directory, ...args],
        cwd: "/",
        env: { overrides: { ...VARIABLES, ...options.env } },
        output: "separate",
        signal,
      });
      this.started++;
      return child;
    } catch (error) {
      if (error instanceof Error && error.name === "SpawnError") {
        throw new GitMissingError(this.#program, { cause: error });
      }
      throw error;
    }
  }
}

async function headOf(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of stream) {
      if (text.length < maxBytes) text += decoder.decode(piece.subarray(0, maxBytes), { stream: true });
    }
  } catch {
    // A broken pipe after a kill; what was read so far is all there is to say.
  }
  return text.trim();
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** The first line of a command's output as text. */
export function firstLine(result: GitResult): string {
  return new TextDecoder().decode(result.output).split("\n", 1)[0] ?? "";
}
