/**
 * Tells the service manager (systemd, and what speaks its protocol) how the agent is.
 *
 * @see sd_notify(3), sd_watchdog_enabled(3)
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Clock, Variables } from "../plugin.ts";
import type { SendNotice } from "./notify_socket.ts";

/** What a start tells its service manager. Every call is harmless where there is none. */
export interface ServiceManager extends Disposable {
  /** The agent listens. `status` is one line for people. From now on the watchdog is fed. */
  ready(status: string): void;
  /** The agent was asked to end. */
  stopping(): void;
}

/** What {@linkcode serviceManager} takes. */
export interface ServiceManagerOptions {
  /** `NOTIFY_SOCKET` names the socket, `WATCHDOG_USEC` the time after which silence means that the agent hangs. */
  readonly env: Variables;
  readonly clock: Clock;
  /** Opens the socket. */
  readonly open: (path: string) => SendNotice;
  /** Told once why the manager hears nothing. */
  readonly warn: (text: string) => void;
}

/**
 * Reads the environment the manager has set. The watchdog is fed from the event loop, twice per interval: a loop that stands
 * still is what the manager has to notice.
 */
export function serviceManager({ env, clock, open, warn }: ServiceManagerOptions): ServiceManager {
  const path = env.NOTIFY_SOCKET;
  if (path === undefined || path === "") return SILENT;
  const ended = new AbortController();
  let send: SendNotice | undefined;
  let isBroken = false;
  function tell(...lines: readonly string[]): void {
    if (isBroken) return;
    try {
      (send ??= open(path!))(lines.join("\n"));
    } catch (error) {
      isBroken = true;
      warn(`The service manager cannot be told how the agent is: ${messageOf(error)}`);
    }
  }
  async function feedWatchdog(everyMs: number): Promise<void> {
    while (!ended.signal.aborted && !isBroken) {
      tell("WATCHDOG=1");
      await clock.sleep(everyMs, ended.signal).catch(() => {}); // Aborted: the loop ends.
    }
  }
  return {
    ready(status) {
      tell("READY=1", `STATUS=${oneLine(status)}`);
      const watchdogMs = Number(env.WATCHDOG_USEC) / 1000;
      if (watchdogMs > 0) void feedWatchdog(watchdogMs / 2);
    },
    stopping: () => tell("STOPPING=1", "STATUS=Stopping"),
    [Symbol.dispose]: () => ended.abort(),
  };
}

const SILENT: ServiceManager = { ready() {}, stopping() {}, [Symbol.dispose]() {} };

/** A line feed would begin another assignment. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
