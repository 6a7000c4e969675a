/**
 * Child processes of one plugin, each leading a process group of its own.
 *
 * @module
 */
import { isAbsolute } from "@std/path";

import { messageOf, ScopeClosedError, SpawnError } from "../errors.ts";
import { nextTurn } from "../next_turn.ts";
import type { Child, ChildTerminal, Env, Exec, ExitStatus, KilledTree, SpawnOptions } from "../plugin.ts";
import { livingGroupMembers } from "./group_members.ts";
import type { Confined, Confinement } from "./confinement.ts";
import { pipeOf } from "./end_mark.ts";
import type { Launch, Launcher } from "./launch.ts";
import { ProcessGroup } from "./process_group.ts";
import { addMark, type LivingProcess } from "./process_scan.ts";
import { killTree, killTreeNow, treeMembers } from "./process_tree.ts";
import type { PtyProcess } from "./pty.ts";
import { type DirectoryChoice, workingDirectory } from "./working_directory.ts";

/** What {@linkcode ProcessGroups} is made from. */
export interface ProcessGroupsOptions {
  /** Id of the plugin, for refusals after its end. */
  readonly owner: string;
  readonly environment: Pick<Env, "build">;
  readonly launcher: Launcher;
  readonly confinement: Confinement;
  readonly directories: DirectoryChoice;
  /** Called once everything is closed. */
  readonly onClosed?: () => void;
}

/** A process group that somebody living is left of. */
export interface LivingChild {
  /** Number of the process that was started, and of its group. */
  readonly pid: number;
  /** The program, without its arguments; `sh` for a line of shell. */
  readonly program: string;
}

/** Groups without a leader that are kept before those that died out are looked for. */
const FIRST_SWEEP_AT = 64;
/** Turns of the event loop that {@linkcode ProcessGroups.close} gives killed processes to vanish. */
const MAX_FAREWELL_TURNS = 200;

/**
 * Starts children and can end everything that came from them: the groups, also those whose leader is gone, and on Linux who
 * left its group. Every child carries a mark in its environment, `<these groups>.<number of the child>`, which its
 * descendants inherit.
 */
export class ProcessGroups implements Exec, AsyncDisposable {
  readonly #options: ProcessGroupsOptions;
  /** Groups whose leader runs, with its end. */
  readonly #led = new Map<ProcessGroup, Promise<ExitStatus>>();
  readonly #programs = new WeakMap<ProcessGroup, string>();
  /** Process ids of children with an environment of their own: they are how a plugin runs, and not what it runs. */
  readonly #plumbing = new Set<number>();
  /** Groups whose leader is gone and which had members then. */
  readonly #leaderless = new Set<ProcessGroup>();
  /** Terminals that may be open. */
  readonly #terminals = new Set<ChildTerminal>();
  readonly #mark = crypto.randomUUID();
  /** Children started since the last {@linkcode close}, which number their marks. */
  #started = 0;
  #sweepAt = FIRST_SWEEP_AT;
  #closed = false;
  #suggests = false;

  constructor(options: ProcessGroupsOptions) {
    this.#options = options;
  }

  /** Processes started here whose end was not seen yet. */
  get running(): number {
    return this.#led.size;
  }

  /** What the end of these groups would end for somebody: the program that an attached plugin itself is does not count. Reads `/proc` when leaders are gone. */
  get living(): readonly LivingChild[] {
    const members = this.#leaderless.size === 0 ? undefined : livingGroupMembers();
    const leaderless = [...this.#leaderless].filter((group) => group.hasMembers(members));
    return [...this.#led.keys(), ...leaderless].filter((group) => !this.#plumbing.has(group.pid)).map((group) => ({
      pid: group.pid,
      program: this.#programs.get(group) ?? "",
    }));
  }

  /**
   * Starts a child.
   *
   * `signal` loses its hold when the main process has ended: what it left running on purpose is then killed with the plugin.
   *
   * @param environment Builds the child's variables. Default: the plugin's.
   * @throws {SpawnError} When the program or the directory is missing or not usable.
   * @throws {ScopeClosedError} After {@linkcode ProcessGroups.close}, also when it happened while this was waiting.
   */
  async spawn(options: SpawnOptions, environment: Pick<Env, "build"> = this.#options.environment): Promise<Child> {
    this.#check(options);
    const cwd = options.cwd ?? await this.directory();
    if (!isAbsolute(cwd)) throw spawnError(options, cwd, `working directory "${cwd}" is not absolute`);
    const variables = await environment.build(options.env);
    const startOnPty = options.pty === undefined ? undefined : await (await import("./pty.ts")).loadPty();
    // From here to the registration nothing waits, so that a child is either refused or known to close().
    this.#check(options);
    const mark = `${this.#mark}.${++this.#started}`;
    const env = addMark(variables, mark);
    const confined = this.#options.confinement.confine(options.limits);
    try {
      const launch = this.#options.launcher.compose(options, env, cwd, confined.script);
      const adoption = { options, mark, confined };
      if (startOnPty === undefined || options.pty === undefined) {
        const child = this.#adopt(start(launch, { options, env, cwd }), adoption);
        if (environment !== this.#options.environment) this.#plumbing.add(child.pid);
        return child;
      }
      const { program, args } = launch;
      checkDirectory(options, cwd);
      return this.#adoptTerminal(startOnPty({ program, args, cwd, env, size: options.pty }), adoption);
    } catch (error) {
      confined.abandon();
      throw error;
    }
  }

  /** See {@linkcode Exec.suggestDirectory}. */
  suggestDirectory(path: string | undefined): void {
    if (this.#closed) throw new ScopeClosedError(this.#options.owner, "suggest a directory");
    this.#suggests = path !== undefined;
    this.#options.directories.suggested = path;
  }

  /** See {@linkcode Exec.directory}. */
  directory(requested?: string): Promise<string> {
    return workingDirectory(this.#options.directories, requested);
  }

  /** Sends SIGKILL to every group, and then to everybody who left one. Does not wait, never throws. */
  killAll(): void {
    this.#killGroups();
    if (this.#started > 0) killTreeNow(() => this.#everybody());
  }

  #killGroups(): void {
    const members = this.#leaderless.size === 0 ? undefined : livingGroupMembers();
    for (const group of [...this.#led.keys(), ...this.#leaderless]) {
      try {
        group.kill("SIGKILL", members);
      } catch {
        // The group belongs to another user by now; the kernel does not let the agent end it.
      }
    }
  }

  /** Refuses further starts, kills everything, and resolves when the kernel has taken it away. */
  async close(): Promise<void> {
    if (this.#suggests) this.suggestDirectory(undefined);
    this.#closed = true;
    this.#killGroups();
    const groups = [...this.#led.keys(), ...this.#leaderless];
    await Promise.all(this.#led.values());
    await Promise.all([...this.#terminals].map((terminal) => terminal.close()));
    for (let turn = 0; turn < MAX_FAREWELL_TURNS && anyLeft(groups); turn++) {
      await nextTurn();
    }
    if (this.#started > 0) await killTree(() => this.#everybody());
    this.#started = 0;
    this.#options.confinement.close();
    this.#options.onClosed?.();
  }

  /** Same as {@linkcode ProcessGroups.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(options: SpawnOptions): void {
    if (this.#closed) throw new ScopeClosedError(this.#options.owner, "start a process");
    options.signal?.throwIfAborted();
  }

  /** Whoever carries the mark of any child. */
  #everybody(): readonly LivingProcess[] | undefined {
    return treeMembers({ hasMark: (mark) => mark.startsWith(`${this.#mark}.`) });
  }

  async #killTree(group: ProcessGroup, mark: string): Promise<KilledTree> {
    const members = () => treeMembers({ hasMark: (each) => each === mark, session: group.session });
    return await killTree(members, {
      atOnce: () => {
        try {
          return group.kill("SIGKILL");
        } catch {
          // None of the group may be signalled, because they changed their user: they will be among the survivors.
          return true;
        }
      },
    });
  }

  #adopt(process: Deno.ChildProcess, { options, mark, confined }: Adoption): Child {
    const isSeparate = options.output === "separate";
    const pipes = { output: pipeOf(process.pid, 1), errors: isSeparate ? pipeOf(process.pid, 2) : undefined };
    const group = new ProcessGroup(process.pid);
    const ended = process.status.then(toExitStatus, () => ({ code: null, signal: null }));
    return {
      pid: process.pid,
      limits: confined.enforcement,
      stdin: options.stdin === "piped" ? process.stdin : null,
      output: process.stdout,
      errors: isSeparate ? process.stderr : null,
      pipes,
      exited: this.#lead(group, ended, { options, confined }),
      kill: (signal) => group.kill(signal),
      killTree: () => this.#killTree(group, mark),
    };
  }

  #adoptTerminal(process: PtyProcess, { options, mark, confined }: Adoption): Child {
    const group = new ProcessGroup(process.pid);
    const terminal: ChildTerminal = {
      device: process.device,
      resize: process.resize,
      close: async () => {
        this.#terminals.delete(terminal);
        await process.close();
      },
    };
    this.#terminals.add(terminal);
    return {
      pid: process.pid,
      limits: confined.enforcement,
      terminal,
      stdin: process.stdin,
      output: process.output,
      errors: null,
      exited: this.#lead(group, process.exited, { options, confined }),
      kill: (signal) => group.kill(signal),
      killTree: () => this.#killTree(group, mark),
    };
  }

  /** Remembers a group until its leader ends. */
  #lead(
    group: ProcessGroup,
    ended: Promise<ExitStatus>,
    { options: { command, signal }, confined }: Omit<Adoption, "mark">,
  ): Promise<ExitStatus> {
    this.#programs.set(group, programOf(command));
    const abort = () => void group.kill("SIGKILL");
    signal?.addEventListener("abort", abort, { once: true });
    const exited = ended.then((status) => {
      signal?.removeEventListener("abort", abort);
      this.#leaderExited(group);
      return confined.concluded(status, group.killed);
    });
    this.#led.set(group, exited);
    return exited;
  }

  #leaderExited(group: ProcessGroup): void {
    group.leaderExited();
    this.#led.delete(group);
    if (!group.mayHaveMembers()) return;
    this.#leaderless.add(group);
    if (this.#leaderless.size < this.#sweepAt) return;
    const members = livingGroupMembers();
    for (const old of this.#leaderless) if (!old.hasMembers(members)) this.#leaderless.delete(old);
    // Doubling keeps the sweeps rare when many groups live on without their leaders.
    this.#sweepAt = Math.max(FIRST_SWEEP_AT, 2 * this.#leaderless.size);
  }
}

function anyLeft(groups: readonly ProcessGroup[]): boolean {
  if (!groups.some((group) => group.mayHaveMembers())) return false;
  const members = livingGroupMembers();
  return groups.some((group) => group.hasMembers(members));
}

interface Adoption {
  readonly options: SpawnOptions;
  readonly mark: string;
  readonly confined: Confined;
}

interface StartPlace {
  readonly options: SpawnOptions;
  readonly env: Record<string, string>;
  readonly cwd: string;
}

function start(launch: Launch, { options, env, cwd }: StartPlace): Deno.ChildProcess {
  const separate = options.output === "separate";
  try {
    return new Deno.Command(launch.program, {
      args: [...launch.args],
      cwd,
      env,
      clearEnv: true,
      detached: launch.detached,
      stdin: options.stdin ?? "null",
      stdout: "piped",
      stderr: separate ? "piped" : "null",
    }).spawn();
  } catch (error) {
    throw spawnError(options, cwd, faultOf(cwd) ?? systemReason(error), error);
  }
}

function spawnError(options: SpawnOptions, cwd: string, reason: string, cause?: unknown): SpawnError {
  const program = programOf(options.command);
  return new SpawnError(`Cannot start "${program}": ${reason}`, program, cwd, { cause });
}

function programOf(command: SpawnOptions["command"]): string {
  return typeof command === "string" ? "sh" : command[0];
}

/** @throws {SpawnError} When `cwd` cannot be used. */
function checkDirectory(options: SpawnOptions, cwd: string): void {
  const fault = faultOf(cwd);
  if (fault !== undefined) throw spawnError(options, cwd, fault);
}

function faultOf(cwd: string): string | undefined {
  try {
    if (!Deno.statSync(cwd).isDirectory) return `working directory "${cwd}" is no directory`;
    return undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? `working directory "${cwd}" does not exist`
      : `working directory "${cwd}" is not accessible`;
  }
}

/** What the system said, without the name of the program in front, which is often the wrapper's. */
function systemReason(error: unknown): string {
  return messageOf(error).replace(/^Failed to spawn '.*?': /s, "");
}

function toExitStatus(status: Deno.CommandStatus): ExitStatus {
  return status.signal === null ? { code: status.code, signal: null } : { code: null, signal: status.signal };
}
