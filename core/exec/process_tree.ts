/**
 * Ending a command with everything that came from it, also what left its process group.
 *
 * @module
 */
import type { KilledTree } from "../plugin.ts";
import { type LivingProcess, livingProcess, livingProcesses, marksOf } from "./process_scan.ts";

/** What belongs to a tree. */
export interface TreeRoots {
  /** Whether a process with this mark belongs to it. */
  hasMark(mark: string): boolean;
  /** Number of a session whose members belong to it. Absent when the number may have been given to somebody else. */
  readonly session?: number;
  /** Number of a process whose children belong to it. */
  readonly parent?: number;
}

/** How {@linkcode killTree} goes about it. */
export interface KillTreeOptions {
  /** Kills as many as it can in one step, after the first look, and says whether there was anybody. Must not throw. */
  readonly atOnce?: () => boolean;
  /** Most milliseconds until those who do not vanish are called survivors. Default 2000. */
  readonly farewellMs?: number;
}

/** Most time until those who do not vanish after SIGKILL are called survivors, in milliseconds. */
const FAREWELL_MS = 2000;
/** Rounds without a pause: most processes are gone after one or two. */
const QUICK_ROUNDS = 4;
/** Pause between later rounds, in milliseconds. */
const ROUND_MS = 5;
/** Rounds of {@linkcode killTreeNow}: each one finds what was being started during the one before. */
const MAX_ROUNDS_NOW = 10;

/**
 * Living members of the tree: its roots, and everybody who descends from one of them,
 * so that a child with an empty environment is found while its parent lives. Never this process itself.
 *
 * Reads all of `/proc` without yielding, about 30 µs per process.
 *
 * @returns `undefined` where there is no Linux `/proc`.
 */
export function treeMembers(roots: TreeRoots): readonly LivingProcess[] | undefined {
  const processes = livingProcesses();
  if (processes === undefined) return undefined;
  const belongs = new Map<number, boolean>();
  function isMember(process: LivingProcess): boolean {
    const known = belongs.get(process.pid);
    if (known !== undefined) return known;
    // Against circles, which exist when numbers were given anew while the directory was being read.
    belongs.set(process.pid, false);
    const parent = processes?.get(process.parent);
    const isRoot = process.session === roots.session || process.parent === roots.parent;
    const member = isRoot || marksOf(process.pid).some((mark) => roots.hasMark(mark)) ||
      (parent !== undefined && isMember(parent));
    belongs.set(process.pid, member);
    return member;
  }
  return [...processes.values()].filter(isMember);
}

/**
 * Kills every member of the tree, and looks again until there is none or time is up.
 *
 * @param members Who is left. `undefined` when that cannot be told: then only `atOnce` is done.
 */
export async function killTree(
  members: () => readonly LivingProcess[] | undefined,
  { atOnce = () => false, farewellMs = FAREWELL_MS }: KillTreeOptions = {},
): Promise<KilledTree> {
  const seen = new Set<number>();
  const startedAt = performance.now();
  let reached = false;
  for (let round = 0;; round++) {
    const left = members() ?? [];
    for (const { pid } of left) seen.add(pid);
    if (round === 0) reached = atOnce();
    const survivors = left.map(({ pid }) => pid);
    if (left.length === 0 || performance.now() - startedAt > farewellMs) {
      return { found: reached || seen.size > 0, ended: [...seen].filter((pid) => !survivors.includes(pid)), survivors };
    }
    for (const process of left) kill(process);
    await pause(round < QUICK_ROUNDS ? 0 : ROUND_MS);
  }
}

/** Like {@linkcode killTree} without waiting: returns when no new member was found. */
export function killTreeNow(members: () => readonly LivingProcess[] | undefined): void {
  const killed = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS_NOW; round++) {
    const fresh = (members() ?? []).filter(({ pid, startedAt }) => !killed.has(`${pid} ${startedAt}`));
    if (fresh.length === 0) return;
    for (const process of fresh) {
      kill(process);
      killed.add(`${process.pid} ${process.startedAt}`);
    }
  }
}

function kill({ pid, startedAt }: LivingProcess): void {
  // Between the scan and now the number may have been given to a stranger.
  if (livingProcess(pid)?.startedAt !== startedAt) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // Gone by itself, or another user's by now: the next look tells which.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
