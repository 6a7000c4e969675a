/**
 * Runs the commands of portabledesktop that look at the desktop and use it.
 *
 * @module
 */
import { elapsedOn } from "../../../core/clock.ts";
import type { Clock, Exec, Logger } from "../../../core/plugin.ts";
import { OutputTail } from "../output_tail.ts";

/** What commands are run with. */
export interface PortableCommandsWork {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absolute path of the program. */
  readonly program: string;
}

/** A command that takes longer is told to the log, in milliseconds. */
const SLOW_MS = 5000;

/** One desktop's commands. */
export class PortableCommands {
  readonly #work: PortableCommandsWork;

  constructor(work: PortableCommandsWork) {
    this.#work = work;
  }

  /**
   * Runs a command to its end. The command ends with `signal`.
   *
   * @returns What it wrote to standard output.
   * @throws {Error} `portabledesktop <command>: <how it ended>: <its output>`.
   */
  async run(args: readonly [string, ...string[]], signal: AbortSignal): Promise<string> {
    const { exec, clock, log, program } = this.#work;
    signal.throwIfAborted();
    const begin = elapsedOn(clock);
    const child = await exec.spawn({ command: [program, ...args], output: "separate", signal });
    const complaints = new OutputTail(child.errors!);
    const output = await new Response(child.output).text().catch(() => ""); // Killed: its exit says so.
    const end = await child.exited;
    signal.throwIfAborted();
    const ms = elapsedOn(clock) - begin;
    const command = withoutText(args);
    if (ms > SLOW_MS) log.warn("portabledesktop is slow", { command, ms });
    if (end.code === 0) return output;
    await complaints.done;
    const how = end.signal === null ? `exit code ${end.code}` : `ended by ${end.signal}`;
    const said = complaints.afterwards || (output.trim() === "" ? "" : `: ${output.trim().slice(-500)}`);
    log.warn("portabledesktop failed", { command, how, said });
    throw new Error(`portabledesktop ${args[0]}: ${how}${said}`);
  }

  /** Runs a command whose output is one JSON object. @throws {Error} When it is none. */
  async json(args: readonly [string, ...string[]], signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.run(args, signal);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // Told below.
    }
    throw new Error(`portabledesktop ${args[0]}: the output is no JSON object: ${text.trim().slice(0, 200)}`);
  }
}

/** What is typed may be a password, and stays out of the log. */
function withoutText(args: readonly string[]): string {
  return (args[0] === "keyboard" ? args.slice(0, 2) : args).join(" ");
}
