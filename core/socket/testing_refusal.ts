/**
 * Addresses where nobody listens, for tests.
 *
 * A closed listener may live on for a moment: every child of the process starts with a copy of it, and drops that only when it
 * becomes its program. Tests beside this one, in other threads of the process, start children at any time.
 *
 * @module
 */
import { nextTurn } from "../next_turn.ts";

/** Ports that the system does not hand out by itself, and that need no rights. */
const PORTS = { first: 26_000, count: 6_000 } as const;

/** A TCP port on which nobody listens, and which nobody gets by asking for any free one. It was never bound. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isRefused(() => Deno.connect({ hostname: "127.0.0.1", port }))) return port;
  }
}

/** Waits until a connection is refused, where a listener was closed. */
export async function untilRefused(connect: () => Promise<Deno.Conn>): Promise<void> {
  while (!await isRefused(connect)) await nextTurn();
}

async function isRefused(connect: () => Promise<Deno.Conn>): Promise<boolean> {
  try {
    (await connect()).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    // It came in the moment of closing, or too many wait already where nobody accepts.
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.WouldBlock) return false;
    throw error;
  }
}
