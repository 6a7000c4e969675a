/**
 * Runs a program in the place of this process, for commands that are a thin layer around another program.
 *
 * @module
 */
import { messageOf, SpawnError } from "../errors.ts";
import type { ProgramEnd, RunOptions } from "../plugin.ts";
import type { EndSignal, OnEndSignal } from "./end_signal.ts";

/** What {@linkcode runProgram} takes. */
export interface RunProgramOptions extends RunOptions {
  /** Where signals to this process come from; they go on to the program. */
  readonly onSignal: OnEndSignal;
}

/**
 * Runs `command` with this process's environment and directory, and waits for its end.
 *
 * @throws {SpawnError} When the program cannot be started.
 */
export async function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { io = "inherit", onSignal }: RunProgramOptions,
): Promise<ProgramEnd> {
  const isCaptured = io === "capture";
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: isCaptured ? "null" : "inherit",
      stdout: isCaptured ? "piped" : "inherit",
      stderr: isCaptured ? "null" : "inherit",
    }).spawn();
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such program in PATH" : messageOf(error);
    throw new SpawnError(`Cannot start "${program}": ${reason}`, program, Deno.cwd(), { cause: error });
  }
  using _ = onSignal((signal) => pass(child, signal));
  const [output, { code }] = await Promise.all([
    isCaptured ? new Response(child.stdout).text() : "",
    child.status,
  ]);
  return { exitCode: code, output };
}

function pass(child: Deno.ChildProcess, signal: EndSignal): void {
  try {
    child.kill(signal);
  } catch {
    // It ended in this moment, which is what the signal wanted.
  }
}
