/**
 * What drives a desktop: the seam between the plugin and the programs that make a screen.
 *
 * @module
 */
import type { Variables } from "../../core/plugin.ts";
import type { EncodedPicture, Picture, Size } from "./image/picture.ts";

/** A position on the screen, in its own pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** A part of the screen. */
export interface Rectangle extends Point, Size {}

/** Buttons of a mouse. */
export const BUTTONS = ["left", "middle", "right"] as const;
/** A button of a mouse. */
export type Button = (typeof BUTTONS)[number];

/** What to take of the screen. */
export interface Capture {
  /** Default: all of it. */
  readonly region?: Rectangle;
  /** Size to bring it to. Default: the size it has. */
  readonly target?: Size;
}

/** Makes desktops. */
export interface DesktopDriver {
  /** As the settings name it. */
  readonly name: "native" | "portabledesktop";
  /**
   * Starts a desktop.
   *
   * @throws {DesktopUnavailableError} When a program is missing.
   * @throws {Error} When it did not come up; nothing of it is left then.
   */
  start(signal: AbortSignal): Promise<DesktopSession>;
}

/**
 * One running desktop. Positions are rounded already and lie on the screen. Input methods do not run at the same time as each
 * other; when `signal` aborts, they stop between two steps and throw its reason.
 */
export interface DesktopSession extends AsyncDisposable {
  readonly driver: DesktopDriver["name"];
  /** Number of the X display; -1 when it is not known. */
  readonly display: number;
  /** Size of the screen now; 0x0 when the driver could not tell. */
  readonly size: Size;
  /** Variables that lead a program to this screen. */
  readonly environment: Variables;
  /** What works less well than it should, for people. */
  readonly weakness?: string;
  /** Whether it cannot be used any more, though its end has not been told yet. */
  readonly isLost?: boolean;
  /** Resolves when the desktop has ended by itself or was closed, and says how. */
  readonly ended: Promise<string>;
  /** A new connection to its VNC server. */
  connectVnc(): Promise<Deno.Conn>;
  /** Resolves to what the screen shows. */
  capture(capture: Capture, signal: AbortSignal): Promise<Picture | EncodedPicture>;
  /** Moves the pointer. */
  move(at: Point, signal: AbortSignal): Promise<void>;
  /** Moves the pointer, then presses and releases a button, `times` times. */
  click(at: Point, button: Button, times: number, signal: AbortSignal): Promise<void>;
  /** Presses a button where the pointer is. */
  buttonDown(button: Button, signal: AbortSignal): Promise<void>;
  /** Releases a button where the pointer is. */
  buttonUp(button: Button, signal: AbortSignal): Promise<void>;
  /** Moves the pointer, then turns the wheel by notches: right and down are positive. */
  scroll(at: Point, dx: number, dy: number, signal: AbortSignal): Promise<void>;
  /** Presses the left button at one place and releases it at another. */
  drag(from: Point, to: Point, signal: AbortSignal): Promise<void>;
  /** Presses and releases keys, as {@linkcode parseKeys} reads them. @throws {UnknownKeyError} */
  keyPress(keys: string, signal: AbortSignal): Promise<void>;
  /** Presses keys and holds them. @throws {UnknownKeyError} */
  keyDown(keys: string, signal: AbortSignal): Promise<void>;
  /** Lets keys go. @throws {UnknownKeyError} */
  keyUp(keys: string, signal: AbortSignal): Promise<void>;
  /** Types a text. @throws {UnknownKeyError} */
  type(text: string, signal: AbortSignal): Promise<void>;
  /** Where the pointer is. */
  cursorPosition(signal: AbortSignal): Promise<Point>;
  /** Lets every key and button go that these methods hold pressed. */
  releaseAll(): Promise<void>;
}

/** No desktop can be started, because programs are missing. The message names them and their Debian packages. */
export class DesktopUnavailableError extends Error {
  override readonly name = "DesktopUnavailableError";
  readonly code = "desktop_unavailable";
}
