/**
 * What ties an agent to its parent: when the parent is killed, the agent ends, too, as if it had been asked to.
 *
 * @module
 */

/** Names the parent to the agent that it starts. Taken out of the environment by the agent: nobody else's life hangs on it. */
export const PARENT_VARIABLE = "OUTPOST_PARENT";
/** `PR_SET_PDEATHSIG` of prctl(2). */
const SET_PARENT_DEATH_SIGNAL = 1;
/**
 * The kernel may send it twice: when the parent's main thread ends, and when the one ends that its children went to meanwhile. A
 * second SIGTERM would end the agent at once. In number 12 on the architectures that Deno has.
 */
const SIGNAL = { name: "SIGUSR2", number: 12 } as const;
const LIBRARY = "libc.so.6";
const SYMBOLS = {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Sends itself SIGTERM at the end of the parent, where a parent of our kind started this process. Somebody who runs the agent
 * with `--no-reap` from a shell may leave that shell.
 *
 * The signal follows the thread that started this process; the parent has no other that does.
 */
export function endWithParent(): void {
  let parent: string | undefined;
  let isTold = false;
  const onParentDeath = () => {
    if (!isTold) Deno.kill(Deno.pid, "SIGTERM");
    isTold = true;
  };
  try {
    parent = Deno.env.get(PARENT_VARIABLE);
    if (parent === undefined) return;
    Deno.env.delete(PARENT_VARIABLE);
    if (Number(parent) !== Deno.ppid) return;
    const { symbols, close } = Deno.dlopen(LIBRARY, SYMBOLS);
    Deno.addSignalListener(SIGNAL.name, onParentDeath);
    symbols.prctl(SET_PARENT_DEATH_SIGNAL, BigInt(SIGNAL.number), 0n, 0n, 0n);
    close();
  } catch {
    return; // No permission for it, or another library: then the agent outlives a parent that is killed.
  }
  // It may have ended in the moment before.
  if (Number(parent) !== Deno.ppid) onParentDeath();
}
