/**
 * A desktop without a screen, for tests: it records what it is told, and can fail, hang and die.
 *
 * @module
 */
import { nextTurn } from "../../core/next_turn.ts";
import { createTestAgent, type TestAgent } from "../../core/testing/mod.ts";
import type { DesktopSession, Point } from "./driver.ts";
import type { Picture, Size } from "./image/picture.ts";
import { desktopPlugin } from "./plugin.ts";

/** What the recorder notes: `move 3,4`. */
export class RecordedSession implements DesktopSession {
  readonly driver = "native";
  readonly display = 7;
  readonly environment = { DISPLAY: ":7" };
  readonly calls: string[] = [];
  /** Colour of the whole screen. */
  shade = 0;
  cursor: Point = { x: 0, y: 0 };
  /** Thrown by the next input. */
  fault: Error | undefined;
  /** Thrown by the end of the desktop. */
  closeFault: Error | undefined;
  /** Connects viewers. */
  vnc: () => Promise<Deno.Conn> = () => Promise.reject(new Error("no VNC server in here"));
  /** Awaited before each input, so that a test can hold one up. */
  gate: Promise<void> | undefined;
  readonly #ended = Promise.withResolvers<string>();
  readonly ended = this.#ended.promise;

  constructor(readonly size: Size = { width: 1920, height: 1080 }) {}

  /** The desktop ends by itself. */
  die(how = "it was killed"): void {
    this.#ended.resolve(how);
  }

  connectVnc(): Promise<Deno.Conn> {
    return this.vnc();
  }

  capture({ region, target }: { region?: Size & Point; target?: Size }): Promise<Picture> {
    if (this.fault) return Promise.reject(this.fault);
    const { width, height } = target ?? region ?? this.size;
    this.calls.push(`capture ${width}x${height}`);
    const rgb = new Uint8Array(width * height * 3).fill(this.shade);
    return Promise.resolve({ kind: "pixels", width, height, rgb });
  }

  move = (at: Point, signal: AbortSignal) => this.#note(`move ${at.x},${at.y}`, signal);
  click = (at: Point, button: string, times: number, signal: AbortSignal) =>
    this.#note(`click ${at.x},${at.y} ${button} ${times}`, signal);
  buttonDown = (button: string, signal: AbortSignal) => this.#note(`down ${button}`, signal);
  buttonUp = (button: string, signal: AbortSignal) => this.#note(`up ${button}`, signal);
  scroll = (at: Point, dx: number, dy: number, signal: AbortSignal) =>
    this.#note(`scroll ${at.x},${at.y} ${dx},${dy}`, signal);
  drag = (from: Point, to: Point, signal: AbortSignal) =>
    this.#note(`drag ${from.x},${from.y} ${to.x},${to.y}`, signal);
  keyPress = (keys: string, signal: AbortSignal) => this.#note(`key ${keys}`, signal);
  keyDown = (keys: string, signal: AbortSignal) => this.#note(`key down ${keys}`, signal);
  keyUp = (keys: string, signal: AbortSignal) => this.#note(`key up ${keys}`, signal);
  type = (text: string, signal: AbortSignal) => this.#note(`type ${text}`, signal);
  cursorPosition = () => Promise.resolve(this.cursor);

  releaseAll(): Promise<void> {
    this.calls.push("release all");
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.calls.push("closed");
    this.#ended.resolve("it was closed");
    return this.closeFault === undefined ? Promise.resolve() : Promise.reject(this.closeFault);
  }

  async #note(call: string, signal: AbortSignal): Promise<void> {
    if (this.fault) throw this.fault;
    await this.gate;
    signal.throwIfAborted();
    this.calls.push(call);
  }
}

/** An agent whose desktop is recorded. */
export interface RecordedDesktop extends AsyncDisposable {
  readonly agent: TestAgent;
  /** Every desktop that was started, in order. */
  readonly sessions: readonly RecordedSession[];
  /** Posts an action. */
  act(body: Readonly<Record<string, unknown>> | string, headers?: Record<string, string>): Promise<Response>;
}

/** Starts it. @param begin Called for each start; may throw. */
export async function recordedDesktop(
  config: Readonly<Record<string, unknown>> = {},
  begin: (signal: AbortSignal) => Promise<RecordedSession> = () => Promise.resolve(new RecordedSession()),
): Promise<RecordedDesktop> {
  const sessions: RecordedSession[] = [];
  const plugin = desktopPlugin(() =>
    Promise.resolve({
      name: "native",
      async start(signal) {
        const session = await begin(signal);
        sessions.push(session);
        return session;
      },
    })
  );
  const agent = await createTestAgent({ plugins: [plugin], config: { desktop: config } });
  return {
    agent,
    sessions,
    act: (body, headers) => agent.post("/api/v0/desktop/action", body, headers),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

/** Resolves when something sleeps for exactly so long; the front's own deadlines sleep too. */
export async function untilSleepOf(ms: number, { clock }: TestAgent): Promise<void> {
  while (!clock.sleepers.some((sleeper) => sleeper.includes(`sleep of ${ms} ms`))) {
    await nextTurn();
  }
}
