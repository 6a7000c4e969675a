/**
 * The TCP ports of one display: the same number on both loopback addresses.
 *
 * @module
 */
import { FIRST_PORT } from "./config.ts";

/** Whatever `localhost` stands for, programs must not meet somebody else there. */
const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** Binds a display's ports; `undefined` when somebody else has one. @throws {Error} When it fails for another reason. */
export function bindDisplay(display: number): Deno.TcpListener[] | undefined {
  const listeners: Deno.TcpListener[] = [];
  for (const hostname of LOOPBACK) {
    try {
      listeners.push(Deno.listen({ hostname, port: FIRST_PORT + display }));
    } catch (error) {
      // A machine without IPv6 has one address only.
      if (hostname === "::1" && !(error instanceof Deno.errors.AddrInUse)) continue;
      for (const listener of listeners) listener.close();
      if (error instanceof Deno.errors.AddrInUse) return undefined;
      throw error;
    }
  }
  return listeners;
}
