import { assertEquals } from "@std/assert";

import { VirtualClock } from "../../core/testing/mod.ts";
import { joinStreams } from "./join_streams.ts";

const HOUR_MS = 3_600_000;

/** A channel of a client, joined with a socket whose program says nothing, and reads when it is told to. */
function setUp() {
  const [closing, connection, stop] = [new AbortController(), new AbortController(), new AbortController()];
  const clock = new VirtualClock();
  let client!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const channel = {
    signal: closing.signal,
    connection: connection.signal,
    input: new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => void (client = controller) }),
    write: () => Promise.resolve(true),
    endOutput: () => Promise.resolve(),
    close: () => closing.abort(),
  };
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {}); // Whoever reads or writes then is told.
  const read: string[] = [];
  /** Takes what waits to be written; resolves when something else does. */
  let take = Promise.withResolvers<void>();
  let writes = Promise.withResolvers<void>();
  const socket = {
    read: () => closed.promise,
    async write(bytes: Uint8Array) {
      writes.resolve();
      await Promise.race([take.promise, closed.promise]);
      take = Promise.withResolvers();
      read.push(new TextDecoder().decode(bytes));
      return bytes.length;
    },
    closeWrite: () => Promise.resolve(),
    close: () => closed.reject(new Deno.errors.Interrupted("closed")),
  };
  let isOver = false;
  const joined = joinStreams(channel, socket, { clock, stop: stop.signal }).then(() => void (isOver = true));
  return {
    clock,
    read,
    joined,
    isOver: () => isOver,
    stop: () => stop.abort(),
    say: (text: string) => client.enqueue(new TextEncoder().encode(text)),
    /** The client has said everything. */
    endInput: () => client.close(),
    closeChannel: () => closing.abort(),
    /** The connection is gone, and its channels with it. */
    disconnect() {
      connection.abort();
      closing.abort();
    },
    /** Resolves when the socket is being written to. */
    writing: () => writes.promise,
    /** The program reads once. */
    takeOne() {
      writes = Promise.withResolvers();
      take.resolve();
    },
  };
}

Deno.test("joinStreams() ends after the connection, though the socket's program never reads", async () => {
  const { clock, joined, isOver, say, disconnect, writing } = setUp();
  say("nobody reads this");
  await writing();

  disconnect();
  await clock.untilSleeping();
  await clock.advance(29_999);
  const before = isOver();
  await clock.advance(30_001);
  await joined;

  assertEquals([before, clock.sleeping], [false, 0]);
});

Deno.test("joinStreams() gives a slow program all that the client said before its connection ended", async () => {
  const { clock, joined, read, say, endInput, disconnect, writing, takeOne } = setUp();
  const words = ["one", "two", "three", "four"];
  words.forEach(say);
  endInput();
  await writing();

  disconnect();
  for (const _word of words) {
    await writing();
    await clock.untilSleeping();
    await clock.advance(29_000);
    takeOne();
  }
  await joined;

  assertEquals([read, clock.sleeping], [words, 0]);
});

Deno.test("joinStreams() keeps a socket whose program does not read while the connection lives, and ends when it is told to", async () => {
  const { clock, joined, isOver, say, endInput, closeChannel, writing, stop } = setUp();
  say("the program is stopped");
  endInput();
  await writing();

  await clock.advance(HOUR_MS);
  closeChannel();
  await clock.advance(HOUR_MS);
  const before = isOver();
  stop();
  await joined;

  assertEquals([before, clock.sleeping], [false, 0]);
});
