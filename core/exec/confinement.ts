/**
 * Holding commands to their limits, and telling afterwards whether memory ran out.
 *
 * @module
 */
import type { ExitStatus, LimitEnforcement, ResourceLimits } from "../plugin.ts";
import { type CommandCgroup, CommandCgroups } from "./command_cgroup.ts";
import { OomEvidence } from "./oom_evidence.ts";
import { limitScript, tightest } from "./resource_limits.ts";

/** What {@linkcode Confinement} is made from. */
export interface ConfinementOptions {
  /** What every command may use, whatever its start asks for. */
  readonly limits?: ResourceLimits;
  /** Default: control groups below the agent's own. */
  readonly cgroups?: CommandCgroups;
  /** Default: of this machine. */
  readonly evidence?: Pick<OomEvidence, "begin" | "rose">;
}

/** One command's limits. */
export interface Confined {
  /** Lines for the shell in front of the command; `undefined` when nothing is limited. */
  readonly script: string | undefined;
  readonly enforcement: LimitEnforcement | undefined;
  /** Adds to a status whether memory ran out. `killed`: whether somebody here sent SIGKILL. To be called once, at the end. */
  concluded(status: ExitStatus, killed: boolean): ExitStatus;
  /** To be called instead when the command could not be started. */
  abandon(): void;
}

/** What a shell reports when the program in it was ended by SIGKILL. */
const KILLED_CODE = 128 + 9;

/** One per agent. Commands without limits cost nothing but a look at how they ended. */
export class Confinement {
  readonly #limits: ResourceLimits | undefined;
  readonly #cgroups: CommandCgroups;
  readonly #evidence: Pick<OomEvidence, "begin" | "rose">;
  /** Groups whose command is gone while descendants live on in there. */
  readonly #inhabited = new Set<CommandCgroup>();

  constructor({ limits, cgroups = new CommandCgroups(), evidence = new OomEvidence() }: ConfinementOptions = {}) {
    this.#limits = limits;
    this.#cgroups = cgroups;
    this.#evidence = evidence;
  }

  /** Prepares the limits of one command. */
  confine(asked: ResourceLimits | undefined): Confined {
    this.#evidence.begin();
    const limits = tightest(this.#limits, asked);
    if (limits === undefined) {
      return {
        script: undefined,
        enforcement: undefined,
        concluded: (status, killed) => this.#withEvidence(status, killed),
        abandon() {},
      };
    }
    this.#sweep();
    const group = this.#cgroups.make(limits);
    const enforcement = enforcementOf(limits, group);
    return {
      script: limitScript(limits, enforcement, group?.joins ?? []),
      enforcement,
      concluded: (status, killed) => {
        const ranOut = group?.enforced.memory === undefined ? undefined : group.ranOutOfMemory();
        if (group !== undefined && !group.remove()) this.#inhabited.add(group);
        if (ranOut) return { ...status, oom: true };
        return ranOut === false ? status : this.#withEvidence(status, killed);
      },
      abandon: () => void group?.remove(),
    };
  }

  /** Takes away the groups of commands that ended. To be called when all of them have been killed. */
  close(): void {
    this.#sweep();
  }

  #withEvidence(status: ExitStatus, killed: boolean): ExitStatus {
    if (killed || (status.signal !== "SIGKILL" && status.code !== KILLED_CODE)) return status;
    return this.#evidence.rose() ? { ...status, oom: true } : status;
  }

  #sweep(): void {
    for (const group of this.#inhabited) if (group.remove()) this.#inhabited.delete(group);
  }
}

function enforcementOf(limits: ResourceLimits, group: CommandCgroup | undefined): LimitEnforcement {
  return {
    ...limits.memoryBytes !== undefined && { memory: group?.enforced.memory ?? "rlimit" },
    ...limits.cpus !== undefined && { cpu: group?.enforced.cpu ?? "none" },
    ...limits.openFiles !== undefined && { openFiles: "rlimit" },
  };
}
