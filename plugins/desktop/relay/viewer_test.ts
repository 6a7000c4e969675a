import { assert, assertEquals } from "@std/assert";

import type { SocketChannel } from "../../../core/plugin.ts";
import { VirtualClock } from "../../../core/testing/mod.ts";
import { Viewer } from "./viewer.ts";

const CHUNK = 64 * 1024;

/** A channel whose peer takes as many messages as it is told to. */
function stalledChannel(taken: number) {
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const abort = new AbortController();
  let sent = 0;
  const channel: SocketChannel = {
    send: () => ++sent <= taken ? Promise.resolve() : new Promise(() => {}),
    close(code = 1000, reason = "") {
      closed.resolve({ code, reason });
      abort.abort();
    },
    closed: closed.promise,
    signal: abort.signal,
    [Symbol.asyncIterator]: () => ({ next: () => closed.promise.then(() => ({ value: undefined, done: true })) }),
  };
  return { channel, sent: () => sent };
}

/** A VNC server that never stops talking. */
function talkingServer() {
  let isClosed = false;
  return {
    read(buffer: Uint8Array): Promise<number> {
      return isClosed ? Promise.reject(new Error("closed")) : Promise.resolve(buffer.byteLength);
    },
    write: (bytes: Uint8Array) => Promise.resolve(bytes.byteLength),
    close: () => void (isClosed = true),
    isClosed: () => isClosed,
  };
}

Deno.test("a viewer that never reads costs its queue and no more, and is closed with 1009 when its time is up", async () => {
  const clock = new VirtualClock();
  const { channel, sent } = stalledChannel(3);
  const server = talkingServer();
  let bytes = 0;
  const viewer = new Viewer({
    clock,
    socket: channel,
    server: server as unknown as Deno.Conn,
    name: "stalled",
    isViewOnly: false,
    queueBytes: 10 * CHUNK,
    stallMs: 5000,
    onInput: () => Promise.resolve(),
    onDropped: () => {},
    onBytes: (count) => bytes += count,
  });

  const end = viewer.run();
  await clock.untilSleeping();
  assertEquals(sent(), 3 + 11);
  await clock.advance(4999);
  assertEquals([sent(), server.isClosed()], [14, false]);
  await clock.advance(1);

  assertEquals(await end, "stalled");
  assertEquals((await channel.closed).code, 1009);
  assert(server.isClosed());
  assertEquals(bytes, 14 * CHUNK);
});
