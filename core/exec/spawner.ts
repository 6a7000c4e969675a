/**
 * The agent's side of child processes: one launcher and one directory choice for all plugins, and the last resort.
 *
 * @module
 */
import type { Env, ResourceLimits, Variables } from "../plugin.ts";
import { Confinement } from "./confinement.ts";
import { Launcher } from "./launch.ts";
import type { Priority } from "./priority.ts";
import { ProcessGroups } from "./process_groups.ts";
import type { DirectoryChoice } from "./working_directory.ts";

/** What {@linkcode Spawner} is made from. */
export interface SpawnerOptions {
  /** The agent's own variables: they hold the priority settings and the home directory. Children do not get them from here. */
  readonly processEnv: Variables;
  /** The agent's configured directory. */
  readonly directory?: string;
  /** See {@linkcode LauncherOptions.setsid}. */
  readonly setsid?: string | null;
  /** See {@linkcode LauncherOptions.priority}. */
  readonly priority?: Partial<Priority>;
  /** What every child may use. */
  readonly limits?: ResourceLimits;
}

/** Gives each plugin its {@linkcode ProcessGroups}. One per agent. */
export class Spawner {
  readonly #launcher: Launcher;
  readonly #directories: DirectoryChoice;
  readonly #confinement: Confinement;
  readonly #scopes = new Set<ProcessGroups>();

  constructor(options: SpawnerOptions) {
    this.#launcher = new Launcher(options);
    this.#confinement = new Confinement({ limits: options.limits });
    this.#directories = { configured: options.directory, home: options.processEnv.HOME || "/" };
  }

  /** The child processes of one plugin. The caller closes them when the plugin stops. */
  scope(owner: string, environment: Pick<Env, "build">): ProcessGroups {
    const groups: ProcessGroups = new ProcessGroups({
      owner,
      environment,
      launcher: this.#launcher,
      confinement: this.#confinement,
      directories: this.#directories,
      onClosed: () => void this.#scopes.delete(groups),
    });
    this.#scopes.add(groups);
    return groups;
  }

  /** Sends SIGKILL to every group of every plugin at once. For the second signal, when there is no time left to wait. */
  killAll(): void {
    for (const groups of this.#scopes) groups.killAll();
  }
}
