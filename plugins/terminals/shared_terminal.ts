/**
 * One terminal and everybody who looks at it.
 *
 * @module
 */
import type { Child, Clock, PtySize } from "../../core/plugin.ts";
import type { ScreenMirror } from "./screen_mirror.ts";

/** Somebody who looks at a terminal. */
export interface Viewer {
  /** Resolves when more can be sent; rejects when the viewer is gone. */
  send(bytes: Uint8Array): Promise<void>;
  /** @param reason Why nothing more comes. */
  close(reason: string): void;
}

/** What {@linkcode SharedTerminal} is made from. */
export interface SharedTerminalOptions {
  readonly child: Child;
  readonly mirror: ScreenMirror;
  readonly clock: Clock;
  /** Time without a viewer after which it ends, in milliseconds. */
  readonly idleMs: number;
  /** Called when a viewer could not be sent something. */
  readonly onWriteError: (error: unknown) => void;
  /** Called when the terminal did not take its new size. */
  readonly onResizeError: (error: unknown) => void;
}

/** Time a new terminal waits for its first viewer, in milliseconds. */
const FIRST_VIEWER_MS = 30_000;

/** A running terminal. */
export class SharedTerminal {
  readonly #options: SharedTerminalOptions;
  readonly #viewers = new Set<Viewer>();
  /** Output and attaching take turns, so that nobody misses a byte or gets one twice. */
  #turn: Promise<unknown> = Promise.resolve();
  #idle: AbortController | undefined;
  #reason = "terminal ended";
  #hasEnded = false;

  constructor(options: SharedTerminalOptions) {
    this.#options = options;
    this.#waitForViewer(Math.min(FIRST_VIEWER_MS, options.idleMs));
  }

  /** Carries output to the viewers until the terminal ends. Never rejects. */
  async run(): Promise<void> {
    const { child, mirror } = this.#options;
    try {
      for await (const chunk of child.output) await this.#inTurn(() => this.#show(chunk));
    } catch {
      // The terminal was taken away: its end like any other.
    }
    this.#hasEnded = true;
    this.#idle?.abort();
    for (const viewer of this.#viewers) viewer.close(this.#reason);
    this.#viewers.clear();
    await this.#turn;
    mirror[Symbol.dispose]();
    await child.terminal?.close();
    await child.exited;
  }

  /** Shows the terminal as it is now, and everything that comes. The size becomes the terminal's. */
  async attach(viewer: Viewer, size: PtySize): Promise<void> {
    this.#idle?.abort();
    this.#idle = undefined;
    await this.#inTurn(async () => {
      if (this.#hasEnded) return viewer.close(this.#reason);
      this.resize(size);
      this.#viewers.add(viewer);
      await viewer.send(new TextEncoder().encode(this.#options.mirror.draw())).catch(this.#options.onWriteError);
    });
  }

  /** The viewer has gone. */
  detach(viewer: Viewer): void {
    if (this.#viewers.delete(viewer) && this.#viewers.size === 0) this.#waitForViewer(this.#options.idleMs);
  }

  /** Sets the size for everybody. */
  resize(size: PtySize): void {
    if (this.#hasEnded) return;
    try {
      this.#options.child.terminal?.resize(size);
    } catch (error) {
      // It is ending. Whoever attaches sees what it shows in the end.
      this.#options.onResizeError(error);
    }
    this.#options.mirror.resize(size);
  }

  /** Ends the terminal; viewers are told why. */
  end(reason: string): void {
    this.#reason = reason;
    this.#options.child.terminal?.close();
    this.#options.child.kill("SIGKILL");
  }

  async #show(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#options.mirror.write(chunk);
    const sent = [...this.#viewers].map((viewer) => viewer.send(chunk).catch(this.#options.onWriteError));
    // The fastest viewer sets the pace. One that falls far behind is cut by the limit of its own queue.
    if (sent.length > 0) await Promise.race(sent);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {}); // Told to whoever waits for it.
    return done;
  }

  #waitForViewer(ms: number): void {
    const idle = new AbortController();
    this.#idle = idle;
    this.#options.clock.sleep(ms, idle.signal).then(
      () => this.end("reconnecting pty timeout"),
      () => {}, // Somebody came, or the terminal has ended.
    );
  }
}
