/**
 * Accepting, for as long as a listener is open.
 *
 * @module
 */
import { systemClock } from "../clock.ts";

/** Pause after a connection could not be accepted, for want of file descriptors for instance. In milliseconds. */
const ACCEPT_AGAIN_MS = 100;

/**
 * Hands on every connection until the listener is closed. Never rejects. Real time, whatever clock the agent runs on: it is the machine
 * that is waited for.
 *
 * @param take Must not throw.
 * @param failed Told why connections cannot be accepted, once until one is accepted again. Whoever connects meanwhile waits in the
 *   kernel's queue.
 */
export async function acceptAll<C>(
  listener: { accept(): Promise<C> },
  take: (connection: C) => void,
  failed: (error: unknown) => void,
): Promise<void> {
  for (let isFailing = false;;) {
    let connection: C;
    try {
      connection = await listener.accept();
    } catch (error) {
      // What the runtime says of a listener that is closed already, and of one that is closed now.
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
      if (!isFailing) failed(error);
      isFailing = true;
      await systemClock.sleep(ACCEPT_AGAIN_MS);
      continue;
    }
    isFailing = false;
    take(connection);
  }
}
