/**
 * How much memory is used and how much there is: of the container, if the agent runs in one, else of the machine.
 *
 * @module
 */

/** Both in bytes. */
export interface Usage {
  readonly used: number;
  readonly total: number;
}

/** What {@linkcode readMemoryUsage} looks at. */
export interface MemorySources {
  /** Text of a file. @throws When there is none. */
  readonly readText: (path: string) => Promise<string>;
  /** The machine's memory, in bytes. */
  readonly host: () => { readonly total: number; readonly available: number };
}

/** Files of one version of the kernel's control groups, and how they are read. */
interface CgroupFiles {
  readonly used: string;
  readonly limit: string;
  /** Holds, under `cache`, the pages that are dropped as soon as somebody needs the memory. */
  readonly stat: string;
  readonly cache: string;
}

// A machine's own root group of version 2 has no `memory.current`: where the file is, there is a container around.
const VERSION_2: CgroupFiles = {
  used: "/sys/fs/cgroup/memory.current",
  limit: "/sys/fs/cgroup/memory.max",
  stat: "/sys/fs/cgroup/memory.stat",
  cache: "inactive_file",
};
const VERSION_1: CgroupFiles = {
  used: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
  limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
  stat: "/sys/fs/cgroup/memory/memory.stat",
  cache: "total_inactive_file",
};
/** Files that container runtimes leave in what they start. */
const CONTAINER_MARKS = ["/.dockerenv", "/run/.containerenv"];

/**
 * Memory in use and in total. In a container without a limit the total is the machine's.
 *
 * @throws {RangeError} When no total can be had.
 */
export async function readMemoryUsage(sources: MemorySources): Promise<Usage> {
  const host = sources.host();
  const usage = await cgroupUsage(sources, VERSION_2, host.total) ??
    await cgroupUsage(sources, VERSION_1, host.total, () => isMarkedContainer(sources)) ??
    { used: host.total - host.available, total: host.total };
  if (usage.total > 0) return usage;
  throw new RangeError("Cannot tell how much memory there is: neither a control group nor the machine says so");
}

/** @param isContainer Asked when there is no limit; version 1 has its files outside of containers too. */
async function cgroupUsage(
  { readText }: MemorySources,
  files: CgroupFiles,
  hostTotal: number,
  isContainer: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Usage | undefined> {
  const used = numberIn(await textOf(readText, files.used));
  if (used === undefined) return undefined;
  const limit = numberIn(await textOf(readText, files.limit)) ?? Infinity;
  // Version 1 writes "no limit" as a number beyond every machine's memory.
  const hasLimit = limit < hostTotal || (hostTotal === 0 && Number.isFinite(limit));
  if (!hasLimit && !await isContainer()) return undefined;
  const stat = await textOf(readText, files.stat);
  const cache = numberIn(new RegExp(`^${files.cache} (\\d+)$`, "m").exec(stat)?.[1] ?? "") ?? 0;
  return { used: Math.max(0, used - cache), total: hasLimit ? limit : hostTotal };
}

async function isMarkedContainer({ readText }: MemorySources): Promise<boolean> {
  const texts = await Promise.all(CONTAINER_MARKS.map((path) => readText(path).then(() => true, () => false)));
  return texts.includes(true);
}

async function textOf(readText: MemorySources["readText"], path: string): Promise<string> {
  try {
    return await readText(path);
  } catch {
    // Not this version of control groups, or no control groups at all.
    return "";
  }
}

function numberIn(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}
