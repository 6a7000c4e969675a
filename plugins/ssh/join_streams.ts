/**
 * Joining a channel and a socket.
 *
 * @module
 */
import type { SshChannel } from "./transport/ssh_channel.ts";

/** Most bytes read from a socket at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Carries bytes in both directions until both have ended, and closes both ends. One direction can end before the other: who
 * has said everything may still listen. What the client sent before it left still arrives. Never rejects.
 *
 * @param stop Cuts everything off.
 */
export async function joinStreams(
  channel: SshChannel,
  socket: Deno.TcpConn | Deno.UnixConn,
  stop: AbortSignal,
): Promise<void> {
  const cut = () => closeSocket(socket);
  stop.addEventListener("abort", cut, { once: true });
  if (stop.aborted) cut();
  const sent = toSocket(channel, socket).then(() => {
    // With the client gone, nobody is there for what the socket may still say.
    if (channel.signal.aborted) cut();
    else channel.signal.addEventListener("abort", cut, { once: true });
  });
  await Promise.all([sent, toChannel(channel, socket)]);
  stop.removeEventListener("abort", cut);
  channel.signal.removeEventListener("abort", cut);
  channel.close();
  cut();
}

async function toSocket(channel: SshChannel, socket: Deno.TcpConn | Deno.UnixConn): Promise<void> {
  const reader = channel.input.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (let sent = 0; sent < part.value.length;) sent += await socket.write(part.value.subarray(sent));
    }
    await socket.closeWrite();
  } catch {
    // The other side takes no more: what the client still sends is dropped.
    await reader.cancel();
  }
}

async function toChannel(channel: SshChannel, socket: Deno.TcpConn | Deno.UnixConn): Promise<void> {
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
