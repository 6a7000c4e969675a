/**
 * Starts a desktop from the system's own programs: TigerVNC's X server and a window manager.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../../core/errors.ts";
import { findInPath } from "../../../core/exec/program.ts";
import type { Child, Clock, Env, Exec, Logger, Tasks, Variables } from "../../../core/plugin.ts";
import { openTemporaryDirectory } from "../../../core/temporary_directory.ts";
import { type DesktopDriver, type DesktopSession, DesktopUnavailableError } from "../driver.ts";
import { tiedCommand } from "../tied_command.ts";
import { authorityFile } from "../x11/authority.ts";
import { X11Connection } from "../x11/connection.ts";
import { Display } from "../x11/display.ts";
import { Keyboard } from "./keyboard.ts";
import { NativeSession } from "./native_session.ts";
import { firstLine, OutputTail } from "../output_tail.ts";
import { endProgram } from "../end_program.ts";

/** What the driver works with. */
export interface NativeDriverWork {
  readonly exec: Exec;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  /** `WIDTHxHEIGHT`. */
  readonly geometry: string;
  readonly depth: 16 | 24;
}

/** The programs, in the order in which they matter, and the Debian packages that have them. */
export const NATIVE_PROGRAMS = [
  { program: "Xvnc", debianPackage: "tigervnc-standalone-server", purpose: "the screen" },
  { program: "openbox", debianPackage: "openbox", purpose: "moving and raising windows" },
] as const;
const [SERVER, WINDOW_MANAGER] = NATIVE_PROGRAMS;

/** Colour of the empty screen as its pixels have it: a dark slate, on which the frames of windows show. */
const BACKGROUNDS = { 24: 0x2b3440, 16: 0x29a8 } as const;
/** Property by which a window manager says that it runs (EWMH 1.5). */
const MANAGER_PROPERTY = "_NET_SUPPORTING_WM_CHECK";
/**
 * Times after its start at which the window manager is given something to look at, in milliseconds. Openbox announces itself
 * before it listens, and what came in between stays with it until more comes: the first window would not be shown.
 */
const MANAGER_NUDGES_MS = [20, 100, 300, 1000, 3000];
/** Property that is changed for that. */
const NUDGE_PROPERTY = "_OUTPOST_DESKTOP";
/** Time a window manager may take until the desktop is used without it, in milliseconds. */
const MANAGER_MS = 3000;
/** Times a window manager that ended is started again for one desktop. */
const MANAGER_RESTARTS = 3;

/** Programs of the driver that `path` lacks. */
export function missingPrograms(path: string): readonly (typeof NATIVE_PROGRAMS)[number][] {
  return NATIVE_PROGRAMS.filter(({ program }) => findInPath(program, path) === undefined);
}

/** Makes desktops of the system's own programs. */
export function nativeDriver(work: NativeDriverWork): DesktopDriver {
  return { name: "native", start: (signal) => startNative(work, signal) };
}

async function startNative(work: NativeDriverWork, signal: AbortSignal): Promise<DesktopSession> {
  const { PATH = "" } = await work.env.build();
  const missing = missingPrograms(PATH);
  if (missing.includes(SERVER)) {
    throw new DesktopUnavailableError(
      `"${SERVER.program}" was not found in PATH: install ${missing.map((it) => it.debianPackage).join(" and ")}`,
    );
  }
  const stack = new AsyncDisposableStack();
  try {
    return await build(work, stack, signal);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Where X servers have their sockets: a place that is built into them and their clients. */
const SOCKETS = "/tmp";

/** A server without it says something about transports. */
async function assertPlaceOfSockets(): Promise<void> {
  if (await Deno.stat(SOCKETS).then(({ isDirectory }) => isDirectory, () => false)) return;
  throw new Error(`X servers need the directory "${SOCKETS}" for their sockets, and there is none`);
}

async function build(
  work: NativeDriverWork,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<DesktopSession> {
  const { path: directory } = stack.use(await openTemporaryDirectory("outpost-desktop-"));
  const authority = join(directory, "Xauthority");
  const vncSocket = join(directory, "vnc.sock");
  const cookie = crypto.getRandomValues(new Uint8Array(16));
  await Deno.writeFile(authority, authorityFile(cookie), { mode: 0o600, createNew: true });

  await assertPlaceOfSockets();
  const server = await startServer(work, { authority, vncSocket }, stack);
  const number = await server.displayNumber(signal);
  const environment = { DISPLAY: `:${number}`, XAUTHORITY: authority };
  const connecting = X11Connection.open(`${SOCKETS}/.X11-unix/X${number}`, cookie, signal);
  // Without waiting: a server that does not answer lets go when it has been ended, which comes next.
  stack.defer(() => void connecting.then((connection) => connection[Symbol.dispose](), () => {}));
  const display = await orAborted(connecting.then((it) => Display.on(it, BACKGROUNDS[work.depth])), signal);
  signal.throwIfAborted();
  const closing = new AbortController();
  stack.defer(() => closing.abort());
  const weakness = await startManager(work, environment, display, { closing: closing.signal, starting: signal });
  signal.throwIfAborted();

  let isClosed = false;
  const ended = Promise.withResolvers<string>();
  const child = server.child;
  child.exited.then(async ({ code, signal }) => {
    await server.tail.done;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    ended.resolve(isClosed ? "it was closed" : `${SERVER.program} ended ${how}${server.tail.afterwards}`);
  });
  // The connection's end is told by the server's exit, which is part of it.
  const close = lazily(() => {
    isClosed = true;
    return stack.disposeAsync();
  });
  return new NativeSession({
    display,
    keyboard: new Keyboard(display, work.clock),
    number,
    environment,
    vncSocket,
    clock: work.clock,
    weakness,
    ended: ended.promise,
    close,
  });
}

interface RunningServer {
  readonly child: Child;
  readonly tail: OutputTail;
  displayNumber(signal: AbortSignal): Promise<number>;
}

async function startServer(
  { exec, clock, geometry, depth }: NativeDriverWork,
  { authority, vncSocket }: { readonly authority: string; readonly vncSocket: string },
  stack: AsyncDisposableStack,
): Promise<RunningServer> {
  const child = await exec.spawn({
    command: tiedCommand([
      SERVER.program,
      ...["-displayfd", "1", "-geometry", geometry, "-depth", String(depth), "-desktop", "Outpost"],
      ...["-auth", authority, "-nolisten", "tcp", "-noreset"],
      ...["-rfbport", "-1", "-rfbunixpath", vncSocket, "-rfbunixmode", "0600", "-SecurityTypes", "None"],
      // Viewers join each other, and the size belongs to those who click by coordinates.
      ...["-AlwaysShared", "-AcceptSetDesktopSize=0"],
    ]),
    output: "separate",
  });
  stack.defer(() => endProgram(child, clock));
  const tail = new OutputTail(child.errors!);
  const line = firstLine(child.output);
  return {
    child,
    tail,
    async displayNumber(signal) {
      const text = await orAborted(line, signal);
      if (/^\d+$/.test(text ?? "")) return Number(text);
      await tail.done;
      throw new Error(`${SERVER.program} did not start${tail.afterwards}`);
    },
  };
}

/** What `work` comes to, or the reason of `signal`, whichever is first. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // Told to whoever waits below, if somebody does.
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Starts the window manager, and again when it ends. Returns what is missing without it. */
async function startManager(
  work: NativeDriverWork,
  environment: Variables,
  display: Display,
  { closing, starting }: { readonly closing: AbortSignal; readonly starting: AbortSignal },
): Promise<string | undefined> {
  const { exec, clock, log, tasks } = work;
  const start = () => exec.spawn({ command: [WINDOW_MANAGER.program], env: { overrides: environment } });
  let child: Child;
  try {
    child = await start();
  } catch (error) {
    log.warn("no window manager", { error: messageOf(error) });
    return `windows cannot be moved without a window manager: install ${WINDOW_MANAGER.debianPackage}`;
  }
  tasks.run("window manager", async (signal) => {
    const stop = AbortSignal.any([closing, signal]);
    for (let restarts = 0;; restarts++) {
      await Promise.all([runUntil(child, stop), nudge(display, child, clock, stop)]);
      if (stop.aborted) return;
      await Promise.race([display.closed, clock.sleep(MANAGER_RESTART_MS, stop)]).catch(() => {}); // Stopped: seen below.
      if (stop.aborted || restarts === MANAGER_RESTARTS) return;
      log.warn("window manager ended, starting it again", { restarts });
      child = await start();
    }
  });
  const deadline = new AbortController();
  clock.sleep(MANAGER_MS, deadline.signal).then(() => deadline.abort(), () => {}); // It was there in time.
  try {
    await display.untilProperty(MANAGER_PROPERTY, AbortSignal.any([deadline.signal, closing, starting]));
  } catch {
    log.warn("window manager does not say that it runs", { waitedMs: MANAGER_MS });
  } finally {
    deadline.abort();
  }
  return undefined;
}

async function nudge(display: Display, child: Child, clock: Clock, stop: AbortSignal): Promise<void> {
  const ended = new AbortController();
  child.exited.then(() => ended.abort());
  try {
    let slept = 0;
    for (const at of MANAGER_NUDGES_MS) {
      await clock.sleep(at - slept, AbortSignal.any([stop, ended.signal]));
      slept = at;
      await display.setRootProperty(NUDGE_PROPERTY);
    }
  } catch {
    // The manager, or the server under it, has ended.
  }
}

/** Pause before a window manager is started again, in milliseconds. When its server has ended, it does not come to that. */
const MANAGER_RESTART_MS = 200;

/** Reads a child's output away until it has ended; kills it when `stop` aborts. */
async function runUntil(child: Child, stop: AbortSignal): Promise<void> {
  const kill = () => void child.kill("SIGKILL");
  stop.addEventListener("abort", kill);
  if (stop.aborted) kill();
  await child.output.pipeTo(new WritableStream()).catch(() => {}); // Its end is what counts.
  await child.exited;
  stop.removeEventListener("abort", kill);
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
