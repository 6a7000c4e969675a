/**
 * What an agent left running when it was killed or crashed.
 *
 * @module
 */
import { addMark, MARK_VARIABLE } from "../exec/process_scan.ts";
import { killTree, treeMembers } from "../exec/process_tree.ts";
import type { KilledTree } from "../plugin.ts";

/** Knows everything that was started below this process from now on, by a mark in its environment. */
export class Leftovers {
  readonly #mark = crypto.randomUUID();
  readonly #adopts: boolean;

  /**
   * Marks this process's environment, which the agent and its commands inherit.
   *
   * @param adopts Whether every orphan that becomes a child of this process comes from the agent. Not so for process 1: it also
   * gets those of programs that were put into its container from outside.
   */
  constructor(adopts: boolean) {
    this.#adopts = adopts;
    const { [MARK_VARIABLE]: marks } = addMark({ [MARK_VARIABLE]: Deno.env.get(MARK_VARIABLE) ?? "" }, this.#mark);
    Deno.env.set(MARK_VARIABLE, marks!);
  }

  /** Ends them with SIGKILL, and waits a moment for them to be gone. */
  end(): Promise<KilledTree> {
    const parent = this.#adopts ? Deno.pid : undefined;
    return killTree(() => treeMembers({ hasMark: (mark) => mark === this.#mark, parent }));
  }
}
