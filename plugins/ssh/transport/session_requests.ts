/**
 * Requests on session channels: which are taken when, and an answer to each.
 *
 * @module
 */
import type { PtySize } from "../../../core/plugin.ts";
import type { X11Request } from "../service.ts";
import { SshChannel } from "./ssh_channel.ts";
import type { LibraryChannel, LibraryConnection, LibrarySession, Reply } from "./ssh2_shape.ts";
import type { SshConnection } from "./ssh_connection.ts";
import { type SessionKind, SshSession, type TerminalRequest } from "./ssh_session.ts";
import { type TerminalModes, terminalModesOf } from "./terminal_modes.ts";

/** What {@linkcode takeOverRequests} tells. */
export interface SessionHandlers {
  /** A session was started; its success has been sent. Must not throw. */
  started(session: SshSession): void;
  /** Whether there is a subsystem of this name; others are refused. */
  hasSubsystem(name: string): boolean;
  /** Whether somebody forwards X11; else clients are refused. */
  forwardsX11(): boolean;
}

/**
 * Most bytes of environment one session may send, names and values together: as much as a process can be started with on
 * Linux under the usual limits, execve(2). More are refused.
 */
const MAX_ENV_BYTES = 1024 * 1024;
/** Most variables; each costs an entry. */
const MAX_ENV_COUNT = 4096;
const DEFAULT_SIZE: PtySize = { cols: 80, rows: 24 };

interface SessionState {
  readonly env: [string, string][];
  envBytes: number;
  terminal?: TerminalRequest;
  x11?: X11Request;
  running?: SshSession;
}

type RequestData = Record<string, unknown> | string | null | undefined;
/** Takes a request, and says whether with success. */
type RequestHandler = (state: SessionState, data: RequestData) => boolean;

/**
 * Puts our own handling of channel requests in the place of the library's, which leaves requests after the start without an
 * answer, drops all of them after the client's end of input, and loses the terminal modes.
 */
export function takeOverRequests(
  connection: SshConnection,
  library: LibraryConnection,
  handlers: SessionHandlers,
): void {
  const protocol = library._protocol;
  const states = new Map<LibrarySession, SessionState>();
  let agentForwarding = false;
  let modes: TerminalModes | undefined;

  // The packet is seen before the library decodes it, and handled in the same turn.
  const onPayload = protocol._onPayload;
  protocol._onPayload = (payload) => {
    modes = terminalModesOf(payload);
    return onPayload(payload);
  };

  const table: Readonly<Record<string, RequestHandler>> = {
    "env": (state, data) => state.running === undefined && addVariable(state, data),
    "pty-req": (state, data) => {
      if (state.running !== undefined || state.terminal !== undefined || !isRecord(data)) return false;
      state.terminal = { term: String(data.term), size: sizeOf(data), modes: modes ?? new Map() };
      return true;
    },
    "x11-req": (state, data) => {
      if (!handlers.forwardsX11()) return false;
      if (state.running !== undefined || state.x11 !== undefined || !isRecord(data)) return false;
      state.x11 = {
        single: data.single === true,
        protocol: String(data.protocol),
        cookie: String(data.cookie),
        screen: Number(data.screen),
      };
      return true;
    },
    "auth-agent-req@openssh.com": () => agentForwarding = true,
    "window-change": (state, data) => {
      if (state.terminal === undefined || !isRecord(data)) return false;
      const size = sizeOf(data);
      if (state.running !== undefined) state.running.resized(size);
      else state.terminal = { ...state.terminal, size };
      return true;
    },
    "signal": (state, data) => {
      if (state.running === undefined || typeof data !== "string") return false;
      state.running.signalled(data);
      return true;
    },
    "keepalive@openssh.com": () => true,
  };

  function begin(
    session: LibrarySession,
    kind: SessionKind,
    accept: () => LibraryChannel | undefined,
    text = "",
  ): void {
    const state = states.get(session);
    // Accepted in this turn: the library forgets the request when the client's end of input comes first.
    const channel = accept();
    if (channel === undefined || state === undefined) return;
    const start = { kind, text, env: state.env, terminal: state.terminal, x11: state.x11, agentForwarding };
    const running = new SshSession(connection, new SshChannel(channel, library._sock, connection.signal), start);
    state.running = running;
    connection.adopt(channel, running.channel);
    handlers.started(running);
  }

  library.on("session", (accept: () => LibrarySession, reject: () => void) => {
    if (!connection.mayOpenChannel()) return reject();
    const session = accept();
    states.set(session, { env: [], envBytes: 0 });
    session.on("close", () => states.delete(session));
    session.on("shell", (accept: () => LibraryChannel) => begin(session, "shell", accept));
    session.on(
      "exec",
      (accept: () => LibraryChannel, _reject: Reply, info: { command: string }) =>
        begin(session, "exec", accept, info.command),
    );
    session.on(
      "subsystem",
      (accept: () => LibraryChannel, _reject: Reply, info: { name: string }) =>
        begin(session, "subsystem", accept, info.name),
    );
  });

  const original = protocol._handlers.CHANNEL_REQUEST!;
  protocol._handlers.CHANNEL_REQUEST = (
    self,
    recipient: number,
    type: string,
    wantReply: boolean,
    data: RequestData,
  ) => {
    const session = library._chanMgr.get(recipient) as LibrarySession;
    const state = states.get(session);
    if (state === undefined) return original(self, recipient, type, wantReply, data);
    const channel = session._chanInfo.outgoing;
    const isStart = type === "shell" || type === "exec" || type === "subsystem";
    if (isStart && state.running === undefined && (type !== "subsystem" || handlers.hasSubsystem(String(data)))) {
      return original(self, recipient, type, wantReply, data);
    }
    const handler = Object.hasOwn(table, type) ? table[type] : undefined;
    const isDone = handler?.(state, data) ?? false;
    if (!wantReply || channel.state === "closing" || channel.state === "closed") return;
    if (isDone) protocol.channelSuccess(channel.id);
    else protocol.channelFailure(channel.id);
  };
}

function addVariable(state: SessionState, data: RequestData): boolean {
  if (!isRecord(data) || typeof data.name !== "string" || typeof data.value !== "string") return false;
  const bytes = state.envBytes + data.name.length + data.value.length;
  if (bytes > MAX_ENV_BYTES || state.env.length >= MAX_ENV_COUNT) return false;
  state.envBytes = bytes;
  state.env.push([data.name, data.value]);
  return true;
}

function sizeOf(data: Record<string, unknown>): PtySize {
  // A client without a window of its own sends zeros; programs would not know what to make of them.
  return { cols: Number(data.cols) || DEFAULT_SIZE.cols, rows: Number(data.rows) || DEFAULT_SIZE.rows };
}

function isRecord(data: RequestData): data is Record<string, unknown> {
  return typeof data === "object" && data !== null;
}
