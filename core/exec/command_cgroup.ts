/**
 * Control groups for commands: each command that is limited gets one of its own for each controller.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path";

import type { ResourceLimits } from "../plugin.ts";
import { type CgroupFacts, cgroupFacts, type CgroupPlace, cgroupPlace, type Controller } from "./cgroup_place.ts";

/** How a controller is used here. */
export type CgroupVersion = "cgroup1" | "cgroup2";

/** The groups of one command. */
export interface CommandCgroup {
  /** Which of its limits groups enforce. */
  readonly enforced: Partial<Readonly<Record<Controller, CgroupVersion>>>;
  /** Files that take a process in when its number is written to them. */
  readonly joins: readonly string[];
  /** Whether the kernel killed a process in there for want of memory. */
  ranOutOfMemory(): boolean;
  /** Takes the groups away. `false` while somebody lives in there. */
  remove(): boolean;
}

/** Length of the period in which processor time is counted, in microseconds; the kernel's default. */
const CPU_PERIOD_US = 100_000;

/** Where the processes of a group of version 2 go when it hands controllers down. */
const MEMBERS = "outpost";

/** Makes groups below the one that the agent itself is in. One per agent; touches nothing before the first limited command. */
export class CommandCgroups {
  readonly #readFacts: () => CgroupFacts | undefined;
  /** Read once: making room below the agent's group moves the agent. */
  #facts: CgroupFacts | undefined;
  readonly #prefix: string;
  /** Directory below which groups can be made, or `undefined` where they cannot. */
  readonly #bases = new Map<Controller, CgroupPlace | undefined>();
  #made = 0;

  /** @param options For tests: what `/proc` says, and what every name begins with. */
  constructor({ facts = cgroupFacts, prefix }: { facts?: () => CgroupFacts | undefined; prefix?: string } = {}) {
    this.#readFacts = facts;
    this.#prefix = prefix ?? `outpost-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  }

  /** Which controllers could be used for a command. Makes a group and takes it away again. */
  usable(): CommandCgroup["enforced"] {
    const probe = this.make({ memoryBytes: 1 << 30, cpus: 1 });
    probe?.remove();
    return probe?.enforced ?? {};
  }

  /** Makes groups with these limits; `undefined` when none can be made. Never throws. */
  make({ memoryBytes, cpus }: ResourceLimits): CommandCgroup | undefined {
    const name = `${this.#prefix}-${++this.#made}`;
    const wanted: [Controller, number | undefined][] = [["memory", memoryBytes], ["cpu", cpus]];
    const directories = new Map<string, CgroupPlace>();
    const enforced: Partial<Record<Controller, CgroupVersion>> = {};
    for (const [controller, limit] of wanted) {
      const base = limit === undefined ? undefined : this.#base(controller);
      if (base === undefined) continue;
      const directory = join(base.directory, name);
      if (!limitGroup(directory, base.version, controller, limit!)) {
        // The other controller of version 2 may have the same one in use.
        if (!directories.has(directory)) removeGroup(directory);
        continue;
      }
      directories.set(directory, base);
      enforced[controller] = base.version === 1 ? "cgroup1" : "cgroup2";
    }
    if (directories.size === 0) return undefined;
    return {
      enforced,
      joins: [...directories.keys()].map((directory) => join(directory, "cgroup.procs")),
      ranOutOfMemory: () => [...directories].some(([directory, { version }]) => oomKills({ version, directory }) > 0),
      remove: () => [...directories.keys()].map(removeGroup).every(Boolean),
    };
  }

  #base(controller: Controller): CgroupPlace | undefined {
    if (!this.#bases.has(controller)) this.#bases.set(controller, this.#findBase(controller));
    return this.#bases.get(controller);
  }

  #findBase(controller: Controller): CgroupPlace | undefined {
    this.#facts ??= this.#readFacts();
    const place = this.#facts === undefined ? undefined : cgroupPlace(controller, this.#facts);
    if (place === undefined) return undefined;
    if (place.version === 1) return place;
    // An agent before this one, of the same service, may have made room already: else each would make it one level deeper.
    const above = { ...place, directory: dirname(place.directory) };
    if (basename(place.directory) === MEMBERS && delegates(above.directory, controller)) return above;
    return delegates(place.directory, controller) ? place : undefined;
  }
}

/** Processes that the kernel killed for want of memory in this group, and below it; 0 when that is not told. */
export function oomKills({ version, directory }: CgroupPlace): number {
  const text = read(join(directory, version === 1 ? "memory.oom_control" : "memory.events"));
  return Number(/^oom_kill (\d+)$/m.exec(text ?? "")?.[1] ?? 0);
}

function limitGroup(directory: string, version: 1 | 2, controller: Controller, limit: number): boolean {
  try {
    Deno.mkdirSync(directory, { recursive: true });
    for (const [file, value] of settings(version, controller, limit)) write(join(directory, file), value);
  } catch {
    // Not allowed, or this kernel lacks the controller: the caller falls back and says so.
    return false;
  }
  // Otherwise a command over its limit is swapped out instead of ended. Absent where swap is not counted.
  const swap = version === 1
    ? ["memory.memsw.limit_in_bytes", String(limit)] as const
    : ["memory.swap.max", "0"] as const;
  if (controller === "memory") attempt(() => write(join(directory, swap[0]), swap[1]));
  return true;
}

function settings(version: 1 | 2, controller: Controller, limit: number): readonly (readonly [string, string])[] {
  const quota = String(Math.max(1000, Math.round(limit * CPU_PERIOD_US)));
  if (controller === "memory") return [[version === 1 ? "memory.limit_in_bytes" : "memory.max", String(limit)]];
  if (version === 2) return [["cpu.max", `${quota} ${CPU_PERIOD_US}`]];
  return [["cpu.cfs_period_us", String(CPU_PERIOD_US)], ["cpu.cfs_quota_us", quota]];
}

/**
 * Whether groups made in `directory` of version 2 have the controller; hands it down if need be.
 *
 * A group that hands controllers down may hold no process itself, unless it is the root of all. So whoever is in there moves to
 * a group below, `outpost`. That is done only where the group is a container's or a service's own: at the root of what is
 * mounted, or when this process and its parent are alone.
 */
function delegates(directory: string, controller: Controller): boolean {
  const control = join(directory, "cgroup.subtree_control");
  const has = () => words(read(control)).includes(controller);
  if (has()) return true;
  if (!words(read(join(directory, "cgroup.controllers"))).includes(controller)) return false;
  if (attempt(() => write(control, `+${controller}`)) && has()) return true;
  const members = words(read(join(directory, "cgroup.procs"))).map(Number);
  const isOwn = read(join(directory, "..", "cgroup.procs")) === undefined ||
    members.every((pid) => pid === Deno.pid || pid === Deno.ppid);
  if (!isOwn) return false;
  const below = join(directory, MEMBERS);
  attempt(() => Deno.mkdirSync(below, { recursive: true }));
  for (const pid of members) attempt(() => write(join(below, "cgroup.procs"), String(pid)));
  return attempt(() => write(control, `+${controller}`)) && has();
}

function removeGroup(directory: string): boolean {
  try {
    Deno.removeSync(directory);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter(Boolean) ?? [];
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function write(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { create: false });
}

function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false; // The callers' fallback is the answer.
  }
}
