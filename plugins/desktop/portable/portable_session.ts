/**
 * A desktop that portabledesktop runs, used through its commands.
 *
 * @module
 */
import { decodeBase64 } from "@std/encoding/base64";

import type { Variables } from "../../../core/plugin.ts";
import type { Button, Capture, DesktopSession, Point } from "../driver.ts";
import type { EncodedPicture, Size } from "../image/picture.ts";
import type { PortableCommands } from "./portable_commands.ts";

/** What a session is made of. */
export interface PortableSessionParts {
  readonly commands: PortableCommands;
  readonly size: Size;
  readonly vncPort: number;
  readonly ended: Promise<string>;
  /** Ends the program and its X server. */
  readonly close: () => Promise<void>;
}

/** What lets go is not cut short by whoever has gone. */
const NEVER = new AbortController().signal;

/** Implements {@linkcode DesktopSession} with one command, or a few, for each method. */
export class PortableSession implements DesktopSession {
  readonly driver = "portabledesktop";
  readonly display = -1;
  readonly environment: Variables = {};
  readonly #parts: PortableSessionParts;
  readonly #heldButtons = new Set<Button>();
  readonly #heldKeys = new Set<string>();
  #closing: Promise<void> | undefined;

  constructor(parts: PortableSessionParts) {
    this.#parts = parts;
  }

  get size(): Size {
    return this.#parts.size;
  }

  get ended(): Promise<string> {
    return this.#parts.ended;
  }

  connectVnc(): Promise<Deno.Conn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.#parts.vncPort });
  }

  /** The whole screen, in the size asked for; a part has to be cut out of it by the caller. */
  async capture({ region, target }: Capture, signal: AbortSignal): Promise<EncodedPicture> {
    const size = region === undefined ? target : undefined;
    const flags = size === undefined
      ? []
      : ["--target-width", String(size.width), "--target-height", String(size.height)];
    const { data } = await this.#parts.commands.json(["screenshot", "--json", ...flags], signal);
    if (typeof data !== "string") throw new Error("portabledesktop screenshot: there is no picture in the output");
    return { kind: "png", ...(size ?? this.size), bytes: decodeBase64(data) };
  }

  async move({ x, y }: Point, signal: AbortSignal): Promise<void> {
    await this.#mouse(["move", String(x), String(y)], signal);
  }

  async click(at: Point, button: Button, times: number, signal: AbortSignal): Promise<void> {
    await this.move(at, signal);
    for (let count = 0; count < times; count++) await this.#mouse(["click", button], signal);
  }

  async buttonDown(button: Button, signal: AbortSignal): Promise<void> {
    this.#heldButtons.add(button);
    await this.#mouse(["down", button], signal);
  }

  async buttonUp(button: Button, signal: AbortSignal): Promise<void> {
    await this.#mouse(["up", button], signal);
    this.#heldButtons.delete(button);
  }

  async scroll(at: Point, dx: number, dy: number, signal: AbortSignal): Promise<void> {
    await this.move(at, signal);
    await this.#mouse(["scroll", String(dx), String(dy)], signal);
  }

  async drag(from: Point, to: Point, signal: AbortSignal): Promise<void> {
    await this.move(from, signal);
    await this.buttonDown("left", signal);
    try {
      await this.move(to, signal);
    } finally {
      await this.buttonUp("left", NEVER);
    }
  }

  async keyPress(keys: string, signal: AbortSignal): Promise<void> {
    await this.#keyboard(["key", keys], signal);
  }

  async keyDown(keys: string, signal: AbortSignal): Promise<void> {
    this.#heldKeys.add(keys);
    await this.#keyboard(["down", keys], signal);
  }

  async keyUp(keys: string, signal: AbortSignal): Promise<void> {
    await this.#keyboard(["up", keys], signal);
    this.#heldKeys.delete(keys);
  }

  async type(text: string, signal: AbortSignal): Promise<void> {
    await this.#keyboard(["type", text], signal);
  }

  async cursorPosition(signal: AbortSignal): Promise<Point> {
    const { x, y } = await this.#parts.commands.json(["cursor", "--json"], signal);
    if (typeof x === "number" && typeof y === "number") return { x, y };
    throw new Error("portabledesktop cursor: there is no position in the output");
  }

  async releaseAll(): Promise<void> {
    for (const button of [...this.#heldButtons]) await this.buttonUp(button, NEVER);
    for (const keys of [...this.#heldKeys]) await this.keyUp(keys, NEVER);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#parts.close();
  }

  async #mouse(args: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#parts.commands.run(["mouse", ...args], signal);
  }

  async #keyboard(args: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#parts.commands.run(["keyboard", ...args], signal);
  }
}
