/**
 * Children on a pseudo terminal. The library is loaded when the first one is started: its native part costs a few
 * milliseconds and needs permission for FFI.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { constants } from "node:os";
import type { ReadStream } from "node:tty";

import type { IPty, spawn } from "@lydell/node-pty";

import { loadCommonJs } from "../common_js.ts";
import type { ExitStatus, PtySize } from "../plugin.ts";
import { TerminalDevice } from "./terminal_device.ts";

/** What {@linkcode StartOnPty} takes. */
export interface PtyStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size: PtySize;
}

/** A child on a terminal of its own. */
export interface PtyProcess {
  readonly pid: number;
  /** What is typed. Closing it does not end the child: a terminal has no end of input. */
  readonly stdin: WritableStream<Uint8Array>;
  /** What appears on the screen, at the reader's pace. Cancelling it closes the terminal. */
  readonly output: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly exited: Promise<ExitStatus>;
  /** Path of the device that the child has, such as `/dev/pts/3`. */
  readonly device: string;
  /** Tells the child its new size; ignored after the end. */
  resize(size: PtySize): void;
  /** Takes the terminal away: the kernel sends SIGHUP to the session. Twice is once. */
  close(): Promise<void>;
}

/** Type of terminal when the environment names none: what today's clients are. */
const DEFAULT_TERM = "xterm-256color";
/** Most bytes read ahead of the reader. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Columns and rows are 16-bit numbers in the kernel. */
const MAX_CELLS = 0xffff;

/** What is used of the library. */
interface Library {
  readonly spawn: typeof spawn;
}

/** Members of the library's terminal that its types leave out; {@linkcode open} checks that they are there. */
interface UnixTerminal extends IPty {
  /** Path of the device. */
  readonly _pty: string;
  readonly _fd: number;
  readonly _socket: ReadStream;
  _emittedClose: boolean;
}

/**
 * Starts a program that leads a session with the terminal as its controlling one. Program and directory must have been
 * checked: what fails after the fork is only seen as exit code 1.
 */
export type StartOnPty = (start: PtyStart) => PtyProcess;

/** Loads the library; at once after the first time. @throws What its load throws; the next call tries again. */
export async function loadPty(): Promise<StartOnPty> {
  const library = await loadCommonJs<Library>("@lydell/node-pty", async () => {
    const { spawn } = await import("@lydell/node-pty");
    return { default: { spawn } };
  });
  return (start) => startOnPty(library, start);
}

function startOnPty(library: Library, start: PtyStart): PtyProcess {
  const { terminal, exited } = open(library, start);
  const socket = terminal._socket;
  const device = new TerminalDevice(terminal._fd);
  device.closeOnExec();
  let isOpen = true;

  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    socket.pause();
    await device.close();
    socket.destroy();
  }
  return {
    pid: terminal.pid,
    device: terminal._pty,
    exited,
    output: outputOf(socket, close),
    stdin: new WritableStream({
      // What is typed after the end is nobody's: the reader of the output learns of the end.
      write: async (bytes) => void await device.write(new Uint8Array(bytes)),
    }),
    resize: ({ cols, rows }) => {
      if (isOpen) terminal.resize(cells(cols), cells(rows));
    },
    close,
  };
}

interface Opened {
  readonly terminal: UnixTerminal;
  readonly exited: Promise<ExitStatus>;
}

function open(library: Library, { program, args, cwd, env, size }: PtyStart): Opened {
  const terminal = library.spawn(program, [...args], {
    name: env.TERM || DEFAULT_TERM,
    cols: cells(size.cols),
    rows: cells(size.rows),
    cwd,
    env: { ...env },
    encoding: null,
  }) as UnixTerminal;
  if (terminal._socket === undefined || terminal._fd === undefined || terminal._emittedClose !== false) {
    throw new TypeError("Cannot use @lydell/node-pty: its terminal has another shape than version 1.1.0");
  }
  // Otherwise the library closes the terminal 200 ms after the child's end, and with it what a slow reader has not read yet.
  terminal._emittedClose = true;
  const { promise: exited, resolve } = Promise.withResolvers<ExitStatus>();
  terminal.onExit(({ exitCode, signal }) => resolve(toExitStatus(exitCode, signal)));
  return { terminal, exited };
}

function outputOf(socket: ReadStream, close: () => Promise<void>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const end = () => {
        if (ended) return;
        ended = true;
        controller.close();
        void close();
      };
      socket.pause();
      socket.on("data", (chunk: Buffer) => {
        if (ended) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      // A terminal ends with EIO when its last user is gone; pty(7) has no other end.
      socket.on("error", end);
      socket.on("end", end);
      socket.on("close", end);
    },
    pull: () => void socket.resume(),
    cancel: () => {
      ended = true;
      return close();
    },
  }, new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }));
}

function cells(count: number): number {
  return Math.min(Math.max(Math.trunc(count) || 1, 1), MAX_CELLS);
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

function toExitStatus(code: number, signal: number | undefined): ExitStatus {
  if (!signal) return { code, signal: null };
  return { code: null, signal: (SIGNAL_NAMES.get(signal) ?? "SIGKILL") as Deno.Signal };
}
