/**
 * Where this process stands among the control groups of Linux, cgroups(7).
 *
 * @module
 */
import { join } from "@std/path";

/** What control groups limit here. */
export type Controller = "memory" | "cpu";

/** The group of this process for one controller. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  /** Directory of the group. */
  readonly directory: string;
}

/** What `/proc` says. */
export interface CgroupFacts {
  /** Content of `/proc/self/cgroup`: `number:controllers:path` in each line. */
  readonly membership: string;
  /** Content of `/proc/self/mountinfo`. */
  readonly mounts: string;
}

/** The facts of this process, or `undefined` where there is no Linux `/proc`. */
export function cgroupFacts(): CgroupFacts | undefined {
  try {
    return {
      membership: Deno.readTextFileSync("/proc/self/cgroup"),
      mounts: Deno.readTextFileSync("/proc/self/mountinfo"),
    };
  } catch {
    return undefined; // Another system.
  }
}

/**
 * The group that controls `controller`: one of version 1 when the controller is mounted so, else the one of version 2, whether it
 * offers the controller or not.
 */
export function cgroupPlace(controller: Controller, { membership, mounts }: CgroupFacts): CgroupPlace | undefined {
  const memberships = membership.split("\n").map((line) => {
    const [, controllers = "", ...path] = line.split(":");
    return { controllers: controllers.split(","), path: path.join(":") };
  });
  const mounted = mounts.split("\n").flatMap((line) => mountOf(line) ?? []);
  const old = memberships.find(({ controllers }) => controllers.includes(controller));
  const oldMount = mounted.find(({ type, options }) => type === "cgroup" && options.includes(controller));
  if (old !== undefined && oldMount !== undefined) return placeIn(oldMount, old.path, 1);
  const unified = memberships.find(({ controllers }) => controllers.length === 1 && controllers[0] === "");
  const unifiedMount = mounted.find(({ type }) => type === "cgroup2");
  return unified === undefined || unifiedMount === undefined ? undefined : placeIn(unifiedMount, unified.path, 2);
}

interface Mount {
  readonly type: string;
  /** The group that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** proc_pid_mountinfo(5): root and mount point are fields 4 and 5; type, source and options stand behind the dash. */
function mountOf(line: string): Mount | undefined {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root, point] = before.split(" ");
  const [type, , options] = after.split(" ");
  if (root === undefined || point === undefined || type === undefined || options === undefined) return undefined;
  return { type, root, point, options: options.split(",") };
}

/** A container often sees only its own group mounted, while its path is told from the machine's root. */
function placeIn({ root, point }: Mount, path: string, version: 1 | 2): CgroupPlace {
  const inside = root !== "/" && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
  return { version, directory: join(point, inside) };
}
