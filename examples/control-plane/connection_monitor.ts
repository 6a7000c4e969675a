/**
 * Watches the connections of agents: when they came, whether they answer, when they went.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";
import type { YamuxSession } from "../../core/rpc/yamux/session.ts";
import type { Changes } from "./changes.ts";
import type { ConnectionTimes, Store } from "./store.ts";
import { nowText } from "./timestamps.ts";

/** Time between two pings, and between two notes that the agent is still there, in milliseconds. */
const PERIOD_MS = 15_000;
/** Time without an answered ping after which a connection is given up, in milliseconds. */
const TIMEOUT_MS = 2 * PERIOD_MS;

/** Why a connection ended. */
export type ConnectionEnd = "closed" | "ping timeout";

/** What {@linkcode ConnectionMonitor} works with. */
export interface ConnectionMonitorOptions {
  readonly store: Store;
  readonly changes: Changes;
  readonly clock: Clock;
}

/**
 * Knows which agents are connected. An agent that comes back before its last connection was found dead stays connected throughout: only
 * the end of the last connection left counts as its disconnection.
 */
export class ConnectionMonitor {
  readonly #options: ConnectionMonitorOptions;
  readonly #connections = new Map<string, Set<YamuxSession>>();

  constructor(options: ConnectionMonitorOptions) {
    this.#options = options;
  }

  /** Whether a watched connection of the agent is open. */
  isConnected(agentId: string): boolean {
    return this.#connections.has(agentId);
  }

  /**
   * An earlier run of this program may have ended without noting that agents were connected. Call it before the first connection.
   */
  settle(agentIds: readonly string[]): void {
    for (const agentId of agentIds) {
      const times = this.#options.store.latest(agentId, "times");
      if (times === undefined || isEnded(times)) continue;
      this.#options.store.put(agentId, "times", "", { ...times, disconnectedAt: times.lastConnectedAt });
    }
  }

  /**
   * Watches one connection until it is over, and closes it when the agent does not answer.
   *
   * @throws What the store throws; the connection is closed then.
   */
  async watch(agentId: string, session: YamuxSession): Promise<ConnectionEnd> {
    const over = new AbortController();
    void session.closed.then(() => over.abort());
    try {
      this.#connect(agentId, session);
      return await this.#untilOver(agentId, session, over.signal);
    } finally {
      session.close();
      this.#disconnect(agentId, session);
    }
  }

  async #untilOver(agentId: string, session: YamuxSession, over: AbortSignal): Promise<ConnectionEnd> {
    const { clock } = this.#options;
    let answeredAt = elapsedOn(clock);
    const ping = async () => {
      await session.ping();
      answeredAt = elapsedOn(clock);
    };
    while (!over.aborted) {
      const slept = await clock.sleep(PERIOD_MS, over).then(() => true, () => false);
      if (!slept) break;
      if (elapsedOn(clock) - answeredAt >= TIMEOUT_MS) return "ping timeout";
      ping().catch(() => {}); // What counts is when the last answer came.
      this.#save(agentId, {});
    }
    return "closed";
  }

  #connect(agentId: string, session: YamuxSession): void {
    const present = this.#connections.get(agentId);
    if (present === undefined) this.#connections.set(agentId, new Set([session]));
    else present.add(session);
    this.#save(agentId, {});
    this.#options.changes.publish(agentId, "connection");
  }

  #disconnect(agentId: string, session: YamuxSession): void {
    const present = this.#connections.get(agentId);
    present?.delete(session);
    if (present === undefined || present.size > 0) return;
    this.#connections.delete(agentId);
    this.#save(agentId, { disconnectedAt: nowText(this.#options.clock.now()) });
    this.#options.changes.publish(agentId, "connection");
  }

  #save(agentId: string, more: Partial<ConnectionTimes>): void {
    const { store, clock } = this.#options;
    const now = nowText(clock.now());
    const before = store.latest(agentId, "times") ?? { firstConnectedAt: now, lastConnectedAt: now };
    const lastConnectedAt = more.disconnectedAt === undefined ? now : before.lastConnectedAt;
    store.put(agentId, "times", "", { ...before, lastConnectedAt, ...more });
  }
}

function isEnded({ lastConnectedAt, disconnectedAt }: ConnectionTimes): boolean {
  return disconnectedAt !== undefined && disconnectedAt >= lastConnectedAt;
}
