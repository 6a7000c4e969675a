/**
 * Binding a port that was closed a moment ago.
 *
 * @module
 */
import { elapsedOn, systemClock } from "../clock.ts";

/** Options of {@linkcode bindPatiently}. */
export interface PatienceOptions {
  /** Ends the wait. Default: nothing does. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which whoever has the port is taken for somebody else. Default 1000: such children need a few. There are two
   * attempts at least.
   */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 1_000;
/** Pause between two attempts, in milliseconds. */
const AGAIN_MS = 20;

/**
 * Binds a TCP port, again and again for about a second while it is taken. A listener that was closed, by the plugin's last life for
 * instance, still exists for a moment in each child that was being forked then, until that runs its own program. Real time,
 * whatever clock the agent runs on: it is the machine that is waited for.
 *
 * @param bind The first call is made before this returns.
 * @returns What `bind` returned.
 * @throws {Deno.errors.AddrInUse} When the port is still taken afterwards.
 * @throws Whatever else `bind` throws, at once; the reason of `signal` when it aborts between two attempts.
 */
export async function bindPatiently<T>(
  bind: () => T,
  { signal, patienceMs = PATIENCE_MS }: PatienceOptions = {},
): Promise<T> {
  const until = elapsedOn(systemClock) + patienceMs;
  for (let isLast = false;;) {
    try {
      return bind();
    } catch (error) {
      if (isLast || !(error instanceof Deno.errors.AddrInUse)) throw error;
    }
    await systemClock.sleep(AGAIN_MS, signal);
    isLast = elapsedOn(systemClock) >= until;
  }
}
