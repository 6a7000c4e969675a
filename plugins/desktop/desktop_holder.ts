/**
 * The one desktop of this agent: started by whoever needs it first, started again when it has ended.
 *
 * @module
 */
import { DeadlineError, messageOf } from "../../core/errors.ts";
import type { Clock, Health, Logger } from "../../core/plugin.ts";
import { type DesktopDriver, type DesktopSession, DesktopUnavailableError } from "./driver.ts";

/** What the holder works with. */
export interface DesktopHolderWork {
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: Health;
  /** Chooses the driver. @throws {DesktopUnavailableError} When there is none. */
  readonly chooseDriver: () => Promise<DesktopDriver>;
  /** Milliseconds a desktop may take to come up. */
  readonly startMs: number;
  /** Aborted when the agent begins to stop: nothing is started any more. */
  readonly signal: AbortSignal;
  /** Told how a start went. */
  readonly onStart: (result: "ok" | "unavailable" | "failed") => void;
  /** Told when a desktop has gone that nobody closed. */
  readonly onDeath: () => void;
}

/** Holds the desktop. */
export class DesktopHolder {
  readonly #work: DesktopHolderWork;
  readonly #closing = new AbortController();
  #starting: Promise<DesktopSession> | undefined;
  #running: DesktopSession | undefined;
  /** Ends of sessions that have died and are being tidied up. */
  readonly #tidying = new Set<Promise<void>>();

  constructor(work: DesktopHolderWork) {
    this.#work = work;
  }

  /** The desktop, if one runs. */
  get running(): DesktopSession | undefined {
    return this.#running;
  }

  /**
   * The desktop, started if need be. Who asks during a start gets the same one.
   *
   * @throws {DesktopUnavailableError} When programs are missing.
   * @throws {Error} When it did not come up, or everything is being closed.
   */
  async session(): Promise<DesktopSession> {
    if (this.#running?.isLost) await Promise.all(this.#tidying);
    if (this.#running !== undefined) return this.#running;
    if (this.#isClosing) throw new Error("desktop is closed");
    return await (this.#starting ??= this.#start().finally(() => this.#starting = undefined));
  }

  /** Ends the desktop, also one that is being started. No other is started afterwards. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("desktop is closed"));
    await this.#starting?.catch(() => {}); // Told to whoever asked for it.
    await this.#running?.[Symbol.asyncDispose]();
    await Promise.all(this.#tidying);
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted || this.#work.signal.aborted;
  }

  async #start(): Promise<DesktopSession> {
    const { clock, log, health, startMs, onStart } = this.#work;
    const late = new AbortController();
    const timer = new AbortController();
    clock.sleep(startMs, timer.signal).then(
      () => late.abort(new DeadlineError("the start of the desktop", startMs)),
      () => {}, // It came up in time.
    );
    try {
      const driver = await this.#work.chooseDriver();
      const session = await driver.start(AbortSignal.any([late.signal, this.#closing.signal, this.#work.signal]));
      this.#running = session; // Whoever closes waits for this start, and then closes it.
      this.#watch(session);
      const { width, height } = session.size;
      log.info("desktop started", { driver: driver.name, display: session.display, geometry: `${width}x${height}` });
      if (session.weakness === undefined) health.ok();
      else health.degraded(session.weakness);
      onStart("ok");
      return session;
    } catch (error) {
      const isUnavailable = error instanceof DesktopUnavailableError;
      log.warn("desktop did not start", { error: messageOf(error) });
      if (!this.#isClosing) health.degraded(messageOf(error));
      onStart(isUnavailable ? "unavailable" : "failed");
      throw error;
    } finally {
      timer.abort();
    }
  }

  #watch(session: DesktopSession): void {
    const tidying = session.ended.then(async (how) => {
      if (this.#running === session) this.#running = undefined;
      if (!this.#isClosing) {
        this.#work.log.warn("desktop ended, the next use starts another", { how });
        this.#work.onDeath();
      }
      try {
        await session[Symbol.asyncDispose]();
      } catch (error) {
        this.#work.log.warn("something of a desktop that ended is left behind", { error: messageOf(error) });
      }
    });
    this.#tidying.add(tidying);
    tidying.finally(() => this.#tidying.delete(tidying));
  }
}
