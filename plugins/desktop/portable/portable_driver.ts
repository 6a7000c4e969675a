/**
 * Starts a desktop with the program portabledesktop.
 *
 * @module
 */
import type { Child, Clock, Exec, Logger } from "../../../core/plugin.ts";
import { parseGeometry } from "../config.ts";
import type { DesktopDriver, DesktopSession } from "../driver.ts";
import { OutputTail, readAway } from "../output_tail.ts";
import { endProgram } from "../end_program.ts";
import { tiedCommand } from "../tied_command.ts";
import { PortableCommands } from "./portable_commands.ts";
import { PortableSession } from "./portable_session.ts";

/** Name of the program. */
export const PROGRAM = "portabledesktop";

/** What the driver works with. */
export interface PortableDriverWork {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absolute path of the program. */
  readonly program: string;
  /** `WIDTHxHEIGHT`. */
  readonly geometry: string;
}

/** What `up` says about the desktop. */
interface Announcement {
  readonly vncPort: number;
  readonly geometry: string;
}

/** Most characters that `up` may write before it has said what it has to. */
const MAX_ANNOUNCEMENT = 64 * 1024;

/** Makes desktops with portabledesktop. */
export function portableDriver(work: PortableDriverWork): DesktopDriver {
  return { name: "portabledesktop", start: (signal) => startPortable(work, signal) };
}

async function startPortable(work: PortableDriverWork, signal: AbortSignal): Promise<DesktopSession> {
  const { exec, log, clock, program, geometry } = work;
  const child = await exec.spawn({
    command: tiedCommand([program, "up", "--json", "--geometry", geometry]),
    output: "separate",
  });
  const tail = new OutputTail(child.errors!);
  let isClosed = false;
  async function close(): Promise<void> {
    isClosed = true;
    await endProgram(child, clock);
  }
  try {
    const { vncPort, geometry: told } = await killingOnAbort(child, signal, () => readAnnouncement(child.output, tail));
    signal.throwIfAborted();
    const size = parseGeometry(told);
    if (size === undefined) log.warn("portabledesktop does not say how large the desktop is", { geometry: told });
    return new PortableSession({
      commands: new PortableCommands({ exec, clock, log, program }),
      size: size ?? { width: 0, height: 0 },
      vncPort,
      ended: child.exited.then(({ code, signal }) => {
        if (isClosed) return "it was closed";
        return `${PROGRAM} ended ${signal === null ? `with code ${code}` : `by ${signal}`}${tail.afterwards}`;
      }),
      close,
    });
  } catch (error) {
    await close();
    throw signal.aborted ? signal.reason : error;
  }
}

/** Runs `work`, which waits for answers of a program that may give none: when `signal` aborts, the program is killed. */
async function killingOnAbort<T>(child: Child, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const kill = () => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  try {
    if (signal.aborted) kill();
    return await work();
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** The first JSON value that `up` writes; the rest is read away. */
async function readAnnouncement(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
  tail: OutputTail,
): Promise<Announcement> {
  const reader = output.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true as const })); // It was killed.
    if (done) {
      await tail.done;
      throw new Error(
        `${PROGRAM} up ended before it said where the desktop is${tail.afterwards || `: ${text.trim()}`}`,
      );
    }
    text += value;
    const found = firstValue(text);
    if (found !== undefined) {
      void readAway(reader);
      return checked(found);
    }
    if (text.length > MAX_ANNOUNCEMENT || !/^\s*(?:\{|$)/.test(text)) {
      throw new Error(`${PROGRAM} up wrote what is no JSON: ${text.trim().slice(0, 200)}`);
    }
  }
}

function checked(value: unknown): Announcement {
  const { vncPort, geometry } = value as Partial<Record<keyof Announcement, unknown>>;
  if (!Number.isInteger(vncPort) || Number(vncPort) < 1 || Number(vncPort) > 65535) {
    throw new Error(`${PROGRAM} up does not name a VNC port: ${JSON.stringify(value)}`);
  }
  return { vncPort: Number(vncPort), geometry: String(geometry ?? "") };
}

/** A text may hold more than one value: each brace that closes could end the first. */
function firstValue(text: string): unknown {
  for (let end = text.indexOf("}"); end >= 0; end = text.indexOf("}", end + 1)) {
    try {
      return JSON.parse(text.slice(0, end + 1));
    } catch {
      // It goes on.
    }
  }
  return undefined;
}
