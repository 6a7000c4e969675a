/**
 * How a command line is wrapped so that the child leads its own group, writes into one pipe, and has its priority.
 *
 * @module
 */
import type { SpawnOptions, Variables } from "../plugin.ts";
import { childPriority, ownPriority, type Priority, priorityScript } from "./priority.ts";
import { findInPath, resolveProgram } from "./program.ts";

/** What to hand to the operating system. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Whether the runtime has to make the child a session leader; otherwise a program in front does. */
  readonly detached: boolean;
}

/** What decides how children are launched, beside the command. */
export interface LauncherOptions {
  /** The agent's own variables: they hold the priority settings. */
  readonly processEnv: Variables;
  /**
   * Absolute path of setsid(1), or `null` to do without. With it the runtime can use posix_spawn(3) where it would
   * otherwise copy the page tables of the whole agent: measured 1.5 ms against 2.2 ms for `/bin/true`, and twice as many
   * starts per second. Default: looked up in {@linkcode SETSID_DIRECTORIES}.
   */
  readonly setsid?: string | null;
  /** Nice value and OOM score of children, beside those that the variables name. */
  readonly priority?: Partial<Priority>;
}

/** Where setsid(1) is looked for: fixed, so that the workspace's `PATH` cannot put another program in its place. */
const SETSID_DIRECTORIES = "/usr/bin:/bin";
const SHELL = "/bin/sh";
/** Gives standard error the pipe of standard output, then becomes the program: same process, nothing in between. */
const MERGE = 'exec "$@" 2>&1';

/** Composes command lines. One per agent. */
export class Launcher {
  readonly #setsid: string | undefined;
  readonly #priority: Partial<Priority> | undefined;
  readonly #own: Priority | undefined;

  constructor(options: LauncherOptions) {
    this.#setsid = options.setsid === null ? undefined : options.setsid ?? findInPath("setsid", SETSID_DIRECTORIES);
    this.#own = ownPriority();
    this.#priority = childPriority(options.processEnv, options.priority, () => this.#own);
  }

  /**
   * @param confine Lines for the shell that limit it before it becomes the command.
   * @throws {SpawnError} When the program is missing or not executable: the programs in front of it would hide that as exit
   * code 127.
   */
  compose(
    options: Pick<SpawnOptions, "command" | "output" | "pty">,
    env: Variables,
    cwd: string,
    confine?: string,
  ): Launch {
    const { name, path, args } = target(options.command, { path: env.PATH ?? "", cwd });
    // A terminal is one stream already, and its child is made the leader of a session as it is started.
    const script = this.#script(options.pty !== undefined ? "separate" : options.output ?? "merged", confine);
    const setsid = options.pty === undefined ? this.#setsid : undefined;
    if (script === undefined && setsid === undefined) return { program: path, args, detached: true };
    const words = [
      ...(setsid === undefined ? [] : [setsid]),
      ...(script === undefined ? [] : [SHELL, "-c", script, "sh"]),
      name,
      ...args,
    ];
    const [first = SHELL, ...rest] = words;
    // What starts terminals takes a path: it would look a name up in the agent's PATH.
    const program = options.pty !== undefined && !first.startsWith("/") ? path : first;
    return { program, args: rest, detached: setsid === undefined };
  }

  /** What the shell in front has to do; `undefined` when there is no need for one. */
  #script(output: "merged" | "separate", confine: string | undefined): string | undefined {
    const merged = output === "merged";
    const hasPriority = this.#priority !== undefined && this.#own !== undefined;
    if (confine === undefined && !hasPriority) return merged ? MERGE : undefined;
    return [
      ...merged ? ["exec 2>&1"] : [],
      ...confine === undefined ? [] : [confine],
      hasPriority ? priorityScript(this.#priority!, this.#own!) : 'exec "$@"',
    ].join("\n");
  }
}

interface Target {
  /** First word as the program sees it. */
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
}

function target(command: SpawnOptions["command"], place: { readonly path: string; readonly cwd: string }): Target {
  if (typeof command === "string") {
    // The shell is called "sh", as people expect it in its messages, wherever the child's PATH leads to one.
    const name = findInPath("sh", place.path) === undefined ? SHELL : "sh";
    return { name, path: SHELL, args: ["-c", command] };
  }
  const [program, ...args] = command;
  const path = resolveProgram(program, place);
  return { name: program.startsWith("-") ? path : program, path, args };
}
