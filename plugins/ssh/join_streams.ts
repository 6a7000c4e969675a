/**
 * Joining a channel and a socket.
 *
 * @module
 */
import type { Clock } from "../../core/plugin.ts";
import type { SshChannel } from "./transport/ssh_channel.ts";

/** What {@linkcode joinStreams} works with. */
export interface JoinOptions {
  readonly clock: Clock;
  /** Cuts everything off. */
  readonly stop: AbortSignal;
}

/** The part of a socket that is used. */
type Socket = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;
/** The part of a channel that is used. */
type Channel = Pick<SshChannel, "signal" | "connection" | "input" | "write" | "endOutput" | "close">;

/** Most bytes read from a socket at once. */
const CHUNK_BYTES = 64 * 1024;
/** After the end of the connection, a socket that has taken nothing for so long is given up, in milliseconds. */
const STALLED_MS = 30_000;

/**
 * Carries bytes in both directions until both have ended, and closes both ends. One direction can end before the other: who
 * has said everything may still listen. What the client sent before it left still arrives. Never rejects.
 *
 * A socket whose program does not read holds its channel as long as the connection lives, as with OpenSSH: it may be stopped, and the
 * client's window bounds what waits for it. After the connection's end it gets what waits, unless it takes nothing for 30 seconds.
 */
export async function joinStreams(channel: Channel, socket: Socket, { clock, stop }: JoinOptions): Promise<void> {
  const over = new AbortController();
  const cut = () => closeSocket(socket);
  when(stop, cut, over.signal);
  let taken = 0;
  async function cutStalled(): Promise<void> {
    for (let before = -1; taken !== before;) {
      before = taken;
      await clock.sleep(STALLED_MS, over.signal);
    }
    cut();
  }
  when(channel.connection, () => cutStalled().catch(() => {}), over.signal); // Rejects when all is over.
  const sent = toSocket(channel, socket, (count) => taken += count).then(() => {
    // With the client gone, nobody is there for what the socket may still say.
    when(channel.signal, cut, over.signal);
  });
  await Promise.all([sent, toChannel(channel, socket)]);
  over.abort();
  channel.close();
  cut();
}

/** Calls `act` when `signal` aborts, at once when it has, and not any more after `over`. */
function when(signal: AbortSignal, act: () => void, over: AbortSignal): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true, signal: over });
}

async function toSocket(channel: Channel, socket: Socket, took: (count: number) => void): Promise<void> {
  const reader = channel.input.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (let sent = 0; sent < part.value.length;) {
        const count = await socket.write(part.value.subarray(sent));
        took(count);
        sent += count;
      }
    }
    await socket.closeWrite();
  } catch {
    // The other side takes no more: what the client still sends is dropped.
    await reader.cancel();
  }
}

async function toChannel(channel: Channel, socket: Socket): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
      // A write resolves when the bytes have been taken, so the buffer can be used again.
      if (!await channel.write(buffer.subarray(0, count))) return;
    }
  } catch {
    // A reset ends the direction like any other end; the protocol has no word for the difference.
  }
  await channel.endOutput();
}

/** Closes a socket, or nothing when it is closed. */
export function closeSocket(socket: { close(): void }): void {
  try {
    socket.close();
  } catch {
    // It was closed already, by the other side's end or by the channel's.
  }
}
