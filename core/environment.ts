/**
 * What child processes see: the one place where their environment is put together.
 *
 * @module
 */
import { DeadlineError, PluginError } from "./errors.ts";
import type { Awaitable, Clock, Env, EnvironmentLayers, Logger, Variables } from "./plugin.ts";

/** Layers that contributors fill, lowest first. `process` and `base` lie below, `overrides` above. */
const CONTRIBUTED_LAYERS = ["core", "manifest", "secrets", "plugins"] as const;
/** A layer that contributors fill. */
export type ContributedLayer = (typeof CONTRIBUTED_LAYERS)[number];

/**
 * Variables of the agent itself, which its children do not inherit: tokens, where tokens are kept, how the agent starts its
 * children, and how it is watched over. A layer above may add one on purpose.
 */
const PRIVATE_VARIABLES: ReadonlySet<string> = new Set([
  "OUTPOST_TOKEN",
  "OUTPOST_TOKEN_FILE",
  "OUTPOST_PLUGIN_TOKEN",
  "CODER_AGENT_TOKEN",
  "CODER_AGENT_TOKEN_FILE",
  // A child that speaks to the service manager would speak for the agent.
  "NOTIFY_SOCKET",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
]);
/** Settings of process priorities; removed by prefix, as the reference agent does. */
const PRIVATE_PREFIXES: readonly string[] = ["CODER_PROC_PRIO_MGMT", "CODER_PROC_OOM_SCORE", "CODER_PROC_NICE_SCORE"];

/**
 * Time one contributor may take, in milliseconds. Every start of a process waits for it, so a hanging one has to be left
 * out before a person would notice.
 */
const CONTRIBUTOR_DEADLINE_MS = 2000;

/** Search path when no layer names one: without it, the directories added here would hide the shell's own default. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What {@linkcode Environment} is made from. */
export interface EnvironmentOptions {
  /** The agent's own variables. Its tokens may be among them; they are left out. */
  readonly process: Variables;
  /** Where a contributor that fails, or a variable that cannot be passed on, is reported. */
  readonly log: Logger;
  /** Measures the contributors' deadline. */
  readonly clock: Clock;
  /** Put in front of `PATH`: programs that workspace scripts installed. Absent: nothing is put there. */
  readonly scriptBinDirectory?: string;
  /** Put at the end of `PATH`: where the agent's own program lies. Absent: nothing is put there. */
  readonly executableDirectory?: string;
  /** Time one contributor may take, in milliseconds. Default 2000. */
  readonly contributorDeadlineMs?: number;
}

/** Who contributes: decides rank and what the log says. */
export interface ContributorPlace {
  /** Id of the plugin, or `core`. */
  readonly owner: string;
  /** Position of the plugin in dependency order; a later one wins over an earlier one. */
  readonly order: number;
}

interface Contributor extends ContributorPlace {
  readonly name: string;
  readonly layer: ContributedLayer;
  readonly fn: (base: Variables, own: Variables) => Awaitable<Variables>;
}

/** A plugin's {@linkcode Env}, which forgets its contributors when released. */
export interface OwnedEnv extends Env, Disposable {}

/**
 * Puts the environment of child processes together from layers.
 *
 * From lowest to highest: the agent's own environment (without its tokens), `base`, the contributed layers `core`,
 * `manifest`, `secrets` and `plugins`, and `overrides`. A contributor named `core`, `manifest` or `secrets` fills the layer
 * of that name; every other name belongs to the layer `plugins`, where the order is the dependency order of the plugins and,
 * within one plugin, the order of registration. `PATH` is completed below `overrides`, which therefore can replace it whole.
 *
 * The registration says nothing about which plugin knows the manifest: the core has layers, and no feature.
 */
export class Environment {
  readonly #options: EnvironmentOptions;
  readonly #inherited: Variables;
  #contributors: readonly Contributor[] = [];

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.#inherited = Object.freeze(Object.fromEntries(
      Object.entries(options.process).filter(([name]) => isInherited(name) && isPassable(name, "")),
    ));
  }

  /** The environment as one plugin sees it. Releasing it removes what the plugin contributed. */
  scope(place: ContributorPlace): OwnedEnv {
    return {
      scriptBinDirectory: this.#options.scriptBinDirectory ?? "",
      contribute: (name, fn) => this.#add({ ...place, name, layer: layerOf(name), fn }),
      build: (layers) => this.build(layers),
      [Symbol.dispose]: () => {
        this.#contributors = this.#contributors.filter((contributor) => contributor.owner !== place.owner);
      },
    };
  }

  /**
   * The variables of one child.
   *
   * A contributor that throws, or takes longer than its deadline, is logged and left out, and so is a variable that no
   * process can have. Never rejects.
   */
  async build(layers: EnvironmentLayers = {}): Promise<Record<string, string>> {
    const variables: Record<string, string> = { ...this.#inherited };
    this.#assign(variables, layers.base, "base");
    for (const contributor of this.#contributors) {
      const added = await this.#ask(contributor, variables);
      this.#assign(variables, added, contributor.name, contributor.owner);
    }
    variables.PATH = this.#searchPath(variables.PATH);
    this.#assign(variables, layers.overrides, "overrides");
    return variables;
  }

  #add(contributor: Contributor): void {
    this.#contributors = [...this.#contributors, contributor].toSorted((a, b) =>
      CONTRIBUTED_LAYERS.indexOf(a.layer) - CONTRIBUTED_LAYERS.indexOf(b.layer) || a.order - b.order
    );
  }

  async #ask(contributor: Contributor, base: Variables): Promise<Variables | undefined> {
    try {
      const added = contributor.fn({ ...base }, this.#inherited);
      return added instanceof Promise ? await this.#inTime(contributor, added) : added;
    } catch (error) {
      this.#options.log.warn("environment contributor left out", {
        contributor: contributor.name,
        error: new PluginError(contributor.owner, "environment", error),
      });
      return undefined;
    }
  }

  async #inTime(contributor: Contributor, added: Promise<Variables>): Promise<Variables> {
    const deadlineMs = this.#options.contributorDeadlineMs ?? CONTRIBUTOR_DEADLINE_MS;
    const answered = new AbortController();
    const late = this.#options.clock.sleep(deadlineMs, answered.signal).then(() => {
      throw new DeadlineError(`environment contributor "${contributor.name}"`, deadlineMs);
    });
    try {
      return await Promise.race([added, late]);
    } finally {
      answered.abort();
      // Whichever lost the race has nobody to tell: the deadline was cancelled, or the answer came too late to be used.
      late.catch(() => {});
      added.catch(() => {});
    }
  }

  #assign(variables: Record<string, string>, added: Variables | undefined, layer: string, owner = "core"): void {
    for (const [name, value] of Object.entries(added ?? {})) {
      if (isPassable(name, value)) variables[name] = value;
      else this.#options.log.warn("environment variable left out", { layer, owner, variable: name });
    }
  }

  #searchPath(path: string | undefined): string {
    const { scriptBinDirectory, executableDirectory } = this.#options;
    const parts = (path || this.#inherited.PATH || DEFAULT_PATH).split(":");
    if (scriptBinDirectory !== undefined && parts[0] !== scriptBinDirectory) parts.unshift(scriptBinDirectory);
    if (executableDirectory !== undefined && !parts.includes(executableDirectory)) parts.push(executableDirectory);
    return parts.join(":");
  }
}

/**
 * Whether a process can have this variable: a name that is not empty and holds neither `=` nor NUL, and a value that is text
 * without NUL.
 */
export function isPassable(name: string, value: unknown): boolean {
  return name !== "" && !/[=\0]/.test(name) && typeof value === "string" && !value.includes("\0");
}

function layerOf(name: string): ContributedLayer {
  return CONTRIBUTED_LAYERS.find((layer) => layer === name) ?? "plugins";
}

function isInherited(name: string): boolean {
  return !PRIVATE_VARIABLES.has(name) && !PRIVATE_PREFIXES.some((prefix) => name.startsWith(prefix));
}
