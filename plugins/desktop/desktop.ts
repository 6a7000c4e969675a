/**
 * The desktop with everybody around it: agents that act, people who watch and take over.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { Clock, Env, Exec, Health, Logger, SocketChannel } from "../../core/plugin.ts";
import type { ActionAnswer, ActionRequest } from "./action_request.ts";
import type { DesktopConfig } from "./config.ts";
import { type ActionCaller, DesktopControl } from "./desktop_control.ts";
import { DesktopHolder } from "./desktop_holder.ts";
import type { DesktopMetrics } from "./desktop_metrics.ts";
import type { DesktopDriver, DesktopSession } from "./driver.ts";
import { type HAND_BACKS, Lease, type LeaseChange, type LeaseState } from "./lease.ts";
import { Viewer } from "./relay/viewer.ts";

/** What the desktop works with. */
export interface DesktopWork {
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: Health;
  readonly exec: Exec;
  readonly env: Env;
  readonly config: DesktopConfig;
  readonly metrics: DesktopMetrics;
  /** Aborted when the agent begins to stop. */
  readonly signal: AbortSignal;
  /** Chooses the driver. */
  readonly chooseDriver: () => Promise<DesktopDriver>;
}

/** How a person gave the desktop back. */
export interface HandBack {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly how: (typeof HAND_BACKS)[number];
  readonly name: string;
  readonly note: string;
  /** The screen as it was handed over, PNG in base64; empty when the desktop had ended. */
  readonly screenshot: Promise<string>;
}

/** Who watches. */
export interface ViewerRequest {
  /** Empty: a number. */
  readonly name: string;
  readonly isViewOnly: boolean;
}

/** Time that a connection to the VNC server waits for the handshake of its viewer, in milliseconds; it may never come. */
const HANDSHAKE_MS = 30_000;

/** One agent's desktop. */
export class Desktop {
  readonly lease: Lease;
  readonly #work: DesktopWork;
  readonly #holder: DesktopHolder;
  readonly #control: DesktopControl;
  readonly #viewers = new Set<Viewer>();
  #viewersSoFar = 0;
  #opening = 0;
  /** The last time that a person gave the desktop back. */
  handBack: HandBack | undefined;

  constructor(work: DesktopWork) {
    this.#work = work;
    const { clock, log, health, exec, env, config, metrics, chooseDriver } = work;
    this.lease = new Lease({ clock, handBackMs: config.handBackMs, onChange: (it, state) => this.#changed(it, state) });
    this.#holder = new DesktopHolder({
      ...{ clock, log, health, chooseDriver, startMs: config.startMs, signal: work.signal },
      onStart: (result) => metrics.starts.inc({ result }),
      onDeath: () => {
        metrics.deaths.inc();
        this.lease.handBack("ended");
      },
    });
    this.#control = new DesktopControl({
      ...{ holder: this.#holder, lease: this.lease, clock, exec, env, config },
      onAction: (action, result, seconds) => {
        metrics.actions.inc({ action, result });
        metrics.actionSeconds.observe(seconds);
      },
    });
  }

  /** The desktop, if one runs. */
  get running(): DesktopSession | undefined {
    return this.#holder.running;
  }

  /** Names of those who watch. */
  get viewers(): readonly { readonly name: string; readonly isViewOnly: boolean }[] {
    return [...this.#viewers].map(({ name, isViewOnly }) => ({ name, isViewOnly }));
  }

  /** What an agent did last. */
  get lastAction(): DesktopControl["lastAction"] {
    return this.#control.lastAction;
  }

  /** Starts the desktop if need be. @throws {HttpProblem} 500 with the reason. */
  async start(): Promise<DesktopSession> {
    try {
      return await this.#holder.session();
    } catch (error) {
      throw new HttpProblem(500, "Failed to start desktop session", { detail: messageOf(error), cause: error });
    }
  }

  /** Does one action; see {@linkcode DesktopControl.act}. */
  act(session: DesktopSession, request: ActionRequest, caller: ActionCaller): Promise<ActionAnswer> {
    return this.#control.act(session, request, caller);
  }

  /** The caller was shown the screen of the present epoch. */
  hasSeen(caller: Pick<ActionCaller, "name">): void {
    this.#control.hasSeen(caller);
  }

  /** A person takes the desktop without touching it. */
  async take(name: string): Promise<void> {
    if (this.lease.take(name, "request")) await this.running?.releaseAll();
  }

  /** Gives the desktop back to the agents. Returns `false` when they had it. */
  giveBack(note: string): boolean {
    return this.lease.handBack("request", note);
  }

  /**
   * Connects a viewer to the desktop, which is started if need be.
   *
   * @throws {HttpProblem} 429 when there are too many, 500 when there is no desktop or its server does not answer.
   */
  async openViewer({ name, isViewOnly }: ViewerRequest): Promise<(socket: SocketChannel) => Promise<void>> {
    const { maxViewers } = this.#work.config;
    const count = this.#viewers.size + this.#opening;
    if (count >= maxViewers) {
      throw new HttpProblem(429, `Cannot open a viewer: ${count} are open and the limit is ${maxViewers}`);
    }
    this.#opening++;
    try {
      const session = await this.start();
      const server = await session.connectVnc().catch((error) => {
        throw new HttpProblem(500, "Failed to connect to VNC server", { detail: messageOf(error), cause: error });
      });
      const number = ++this.#viewersSoFar;
      const claimed = this.#awaitHandshake(server);
      return (socket) => {
        claimed();
        return this.#view(socket, { server, name: name || `viewer ${number}`, isViewOnly });
      };
    } finally {
      this.#opening--;
    }
  }

  /** Counts a connection that has no viewer yet, and closes it when none comes. @returns Call it when one has come. */
  #awaitHandshake(server: Deno.Conn): () => void {
    const { clock, signal } = this.#work;
    const claimed = new AbortController();
    this.#opening++;
    clock.sleep(HANDSHAKE_MS, AbortSignal.any([claimed.signal, signal])).catch(() => {}).then(() => {
      this.#opening--;
      if (!claimed.signal.aborted) server.close();
    });
    return () => claimed.abort();
  }

  /** Ends the desktop and everything around it. */
  async close(): Promise<void> {
    this.lease.close();
    await this.#holder.close();
  }

  async #view(
    socket: SocketChannel,
    { server, name, isViewOnly }: ViewerRequest & { readonly server: Deno.Conn },
  ): Promise<void> {
    const { clock, log, config, metrics } = this.#work;
    const viewer = new Viewer({
      ...{ clock, socket, server, name, isViewOnly },
      queueBytes: config.viewerQueueBytes,
      stallMs: config.viewerStallMs,
      onInput: async () => {
        if (this.lease.take(name, "input")) await this.running?.releaseAll().catch(() => {}); // It has gone.
      },
      onDropped: () => metrics.droppedInput.inc(),
      onBytes: (bytes) => metrics.viewerBytes.add(bytes),
    });
    this.#viewers.add(viewer);
    log.info("viewer connected", { name, isViewOnly });
    try {
      const end = await viewer.run();
      metrics.viewersEnded.inc({ end });
      log.info("viewer ended", { name, end });
    } finally {
      this.#viewers.delete(viewer);
    }
  }

  #changed(change: LeaseChange, { epoch }: LeaseState): void {
    const { log, metrics, clock, signal } = this.#work;
    metrics.leaseChanges.inc({ to: change.to, how: change.how });
    if (change.to === "person") {
      return log.info("a person took the desktop", { name: change.name, how: change.how, epoch });
    }
    const { how, name, note, heldMs } = change;
    log.info("the desktop went back to the agents", { name, how, note, heldMs, epoch });
    this.handBack = { at: clock.now(), how, name, note, screenshot: this.#pictureFor(signal) };
  }

  /** What a person leaves behind: nothing stays pressed, and a picture tells how it looks. */
  async #pictureFor(signal: AbortSignal): Promise<string> {
    await Promise.all([...this.#viewers].map((viewer) => viewer.release()));
    const session = this.running;
    if (session === undefined) return "";
    try {
      return await this.#control.snapshot(session, signal);
    } catch (error) {
      this.#work.log.warn("no picture of the desktop that was handed back", { error: messageOf(error) });
      return "";
    }
  }
}
