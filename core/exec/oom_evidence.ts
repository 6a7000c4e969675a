/**
 * Whether the kernel ran out of memory since somebody last looked.
 *
 * @module
 */
import { cgroupFacts, type CgroupPlace, cgroupPlace } from "./cgroup_place.ts";
import { oomKills } from "./command_cgroup.ts";
import { oomKillsOfMachine } from "./oom_kills.ts";

/**
 * Counts the processes that the kernel killed for want of memory around the agent: in its own control group, which a container's
 * limit is set on, or on the whole machine.
 *
 * It cannot say which process it was. A command that was killed by SIGKILL while the count rose, and that nobody here killed,
 * was most likely it.
 */
export class OomEvidence {
  #seen: number | undefined;
  #place: CgroupPlace | undefined;

  /** Remembers where the count stands, once. To be called before the first command runs. */
  begin(): void {
    if (this.#seen !== undefined) return;
    const facts = cgroupFacts();
    this.#place = facts === undefined ? undefined : cgroupPlace("memory", facts);
    this.#seen = this.#kills();
  }

  /** Whether the count rose since the last call. */
  rose(): boolean {
    const before = this.#seen;
    this.#seen = this.#kills();
    return before !== undefined && this.#seen > before;
  }

  #kills(): number {
    return (this.#place === undefined ? 0 : oomKills(this.#place)) + oomKillsOfMachine();
  }
}
