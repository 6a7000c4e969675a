import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { VirtualClock } from "../../testing/virtual_clock.ts";
import { bytePipe } from "../byte_pipe.ts";
import type { YamuxError } from "./error.ts";
import { Flag, FrameType, GoAwayCode } from "./frame.ts";
import type { YamuxOptions } from "./options.ts";
import { sessionWithRawPeer } from "./raw_peer.ts";
import { YamuxSession } from "./session.ts";
import type { YamuxStream } from "./stream.ts";

const WINDOW = 256 * 1024;
const { data, windowUpdate, ping, goAway } = FrameType;
const { syn, ack, fin, rst } = Flag;

interface Pair extends Disposable {
  readonly client: YamuxSession;
  readonly server: YamuxSession;
  readonly clock: VirtualClock;
}

function pair(options: Partial<YamuxOptions> = {}): Pair {
  const clock = new VirtualClock();
  const [left, right] = bytePipe();
  const client = new YamuxSession(left, { clock, ...options, role: "client" });
  const server = new YamuxSession(right, { clock, ...options, role: "server" });
  return {
    ...{ client, server, clock },
    [Symbol.dispose]() {
      client.close();
      server.close();
    },
  };
}

function rawPeer(options: Partial<YamuxOptions> = {}, highWaterBytes?: number) {
  const clock = new VirtualClock();
  return { clock, ...sessionWithRawPeer({ role: "client", clock, keepAliveMs: 0, ...options }, highWaterBytes) };
}

async function streams({ client, server }: Pair): Promise<[YamuxStream, YamuxStream]> {
  const here = await client.open();
  return [here, (await server.accept())!];
}

async function readAll(stream: YamuxStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let part = await stream.read(); part !== null; part = await stream.read()) parts.push(part);
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, index) => index * 31 + (index >> 8));
const code = (promise: Promise<unknown>) => promise.then(() => "none", (error) => (error as YamuxError).code);

// --- ping ---

Deno.test("ping() measures the way through the peer, from both sides", async () => {
  using both = pair();

  assertEquals([await both.client.ping(), await both.server.ping()], [0, 0]);
});

Deno.test("ping() is rejected and the session goes on when only that ping stays unanswered", async () => {
  const { session, clock } = rawPeer();

  const waiting = code(session.ping());
  await clock.advance(10_000);

  assertEquals([await waiting, session.isOpen], ["ping_timeout", true]);
  session.close();
});

Deno.test("a session answers pings with their id, and ignores answers it never asked for", async () => {
  const { session, peer } = rawPeer();

  await peer.send(ping, ack, 0, 99);
  await peer.send(ping, syn, 0, 0xfedcba98);

  assertEquals(await peer.receiveHeader(), [ping, ack, 0, 0xfedcba98]);
  assert(session.isOpen);
  session.close();
});

Deno.test("a session ends when a peer floods it with pings and reads nothing, before memory grows", async () => {
  const { session, peer } = rawPeer({}, 1024);
  const flood = new Uint8Array(12 * 4096);
  for (let offset = 0; offset < flood.length; offset += 12) flood.set([0, ping, 0, syn], offset);

  const flooding = (async () => {
    while (session.isOpen) await peer.sendBytes(flood);
  })().catch(() => {});
  const error = await session.closed;

  assertEquals(error.code, "protocol_error");
  assertStringIncludes(error.message, "wait for it to read");
  peer.close();
  await flooding;
});

// --- opening and accepting ---

Deno.test("the client's streams are odd and the server's are even, in order", async () => {
  using both = pair();

  const ids = [await both.client.open(), await both.server.open(), await both.client.open(), await both.server.open()];

  assertEquals(ids.map((stream) => stream.id), [1, 2, 3, 4]);
});

Deno.test("open() sends a window update with SYN and the stream carries data before it is accepted", async () => {
  const { session, peer } = rawPeer();

  const stream = await session.open();
  await stream.write(bytes(45));

  assertEquals(await peer.receiveHeader(), [windowUpdate, syn, 1, 0]);
  assertEquals(await peer.receiveHeader(), [data, 0, 1, 45]);
  session.close();
});

Deno.test("open() asks for and accept() grants what a larger window allows above the initial one", async () => {
  const { session, peer } = rawPeer({ windowBytes: WINDOW * 2 });

  await session.open();
  await peer.send(windowUpdate, syn, 2, 0);
  await session.accept();

  assertEquals(await peer.receiveHeader(), [windowUpdate, syn, 1, WINDOW]);
  assertEquals(await peer.receiveHeader(), [windowUpdate, ack, 2, WINDOW]);
  session.close();
});

Deno.test("a stream closed before it was accepted is forgotten when both sides have ended it", async () => {
  using both = pair();

  const stream = await both.client.open();
  stream.close();
  const accepted = (await both.server.accept())!;
  assertEquals(await accepted.read(), null);
  accepted.close();
  await both.client.ping();

  assertEquals([both.client.streamCount, both.server.streamCount], [0, 0]);
});

Deno.test("the whole session ends when a stream is not accepted in time", async () => {
  const { session, clock } = rawPeer();

  await session.open();
  await clock.advance(74_999);
  assert(session.isOpen);
  await clock.advance(1);

  assertEquals((await session.closed).code, "open_timeout");
});

Deno.test("open() waits while as many streams as the backlog allows are not accepted", async () => {
  const { session, peer } = rawPeer({ acceptBacklog: 2 });
  await session.open();
  await session.open();
  let opened = 0;

  const third = session.open().then((stream) => {
    opened = stream.id;
  });
  await settle();
  assertEquals(opened, 0);
  await peer.send(windowUpdate, ack, 1, 0);
  await third;

  assertEquals(opened, 5);
  session.close();
});

Deno.test("open() gives up when its signal aborts, and when the session ends", async () => {
  const { session } = rawPeer({ acceptBacklog: 0 });
  const abort = new AbortController();

  const first = assertRejects(() => session.open(abort.signal), Error, "not now");
  const second = session.open();
  abort.abort(new Error("not now"));
  await first;
  session.close();

  assertEquals(await code(second), "session_closed");
});

Deno.test("a stream beyond the backlog is reset, and the ones before it are served", async () => {
  const { session, peer } = rawPeer({ acceptBacklog: 2 });

  for (const id of [2, 4, 6]) await peer.send(windowUpdate, syn, id, 0);

  assertEquals(await peer.receiveHeader(), [windowUpdate, rst, 6, 0]);
  assertEquals([(await session.accept())!.id, (await session.accept())!.id], [2, 4]);
  session.close();
});

Deno.test("a stream beyond the limit of open ones is reset", async () => {
  const { session, peer } = rawPeer({ maxInboundStreams: 1 });

  await peer.send(windowUpdate, syn, 2, 0);
  await peer.send(windowUpdate, syn, 4, 0);

  assertEquals(await peer.receiveHeader(), [windowUpdate, rst, 4, 0]);
  session.close();
});

Deno.test("many streams at once each carry their own bytes", async () => {
  using both = pair();
  const serving = (async () => {
    for await (const stream of both.server) {
      void (async () => {
        for (let part = await stream.read(); part !== null; part = await stream.read()) await stream.write(part);
        stream.close();
      })();
    }
  })();

  const answers = await Promise.all(Array.from({ length: 600 }, async (_, index) => {
    const stream = await both.client.open();
    await stream.write(bytes(index + 1));
    await stream.closeWrite();
    return (await readAll(stream)).length;
  }));
  await both.client.ping();

  assertEquals(answers, answers.map((_, index) => index + 1));
  assertEquals([both.client.streamCount, both.server.streamCount], [0, 0]);
  both.client.close();
  await serving;
});

Deno.test("a server side can open streams towards the client as well", async () => {
  using both = pair();

  const stream = await both.server.open();
  await stream.write(bytes(3));

  assertEquals(await (await both.client.accept())!.read(), bytes(3));
});

// --- flow control ---

Deno.test("a message far larger than the window arrives whole", async () => {
  using both = pair();
  const [here, there] = await streams(both);
  const sent = bytes(5 * 1024 * 1024 + 3);

  const [received] = await Promise.all([readAll(there), here.write(sent).then(() => here.closeWrite())]);

  assertEquals(received.length, sent.length);
  assert(received.every((byte, index) => byte === sent[index]));
});

Deno.test("write() waits when the window is used up, and goes on when the peer grants more", async () => {
  const { session, peer } = rawPeer();
  const stream = await session.open();
  await peer.receive();
  let isWritten = false;

  const writing = stream.write(new Uint8Array(WINDOW + 1)).then(() => {
    isWritten = true;
  });
  let received = 0;
  while (received < WINDOW) received += (await peer.receive())!.data.length;
  await settle();
  assertEquals([received, isWritten], [WINDOW, false]);
  await peer.send(windowUpdate, 0, 1, 10);
  await writing;

  assertEquals(await peer.receiveHeader(), [data, 0, 1, 1]);
  session.close();
});

Deno.test("a window is granted again only when half of it was read", async () => {
  const { session, peer } = rawPeer();
  await peer.send(windowUpdate, syn, 2, 0);
  const stream = (await session.accept())!;
  await peer.receive();
  await peer.send(data, 0, 2, new Uint8Array(WINDOW / 2 - 1));
  await readBytes(stream, WINDOW / 2 - 1);
  await peer.send(ping, syn, 0, 1);
  assertEquals(await peer.receiveHeader(), [ping, ack, 0, 1]);

  await peer.send(data, 0, 2, new Uint8Array(1));
  await readBytes(stream, 1);

  assertEquals(await peer.receiveHeader(), [windowUpdate, 0, 2, WINDOW / 2]);
  session.close();
});

Deno.test("a stream whose reader stands still holds one window, and the others go on", async () => {
  using both = pair();
  const [stalled, unread] = await streams(both);
  const blocked = code(stalled.write(new Uint8Array(4 * WINDOW)));
  const [here, there] = await streams(both);
  const sent = bytes(2 * WINDOW);

  const [received] = await Promise.all([readAll(there), here.write(sent).then(() => here.closeWrite())]);

  assertEquals(received.length, sent.length);
  both.client.close();
  assertEquals(await blocked, "session_closed");
  assertEquals(await bufferedBytes(unread), WINDOW);
});

Deno.test("bytes in single-byte frames behind a stalled reader are all kept, in order", async () => {
  const { session, peer } = rawPeer();
  await peer.send(windowUpdate, syn, 2, 0);
  const stream = (await session.accept())!;
  const sent = bytes(20_000);
  for (const byte of sent) await peer.send(data, 0, 2, Uint8Array.of(byte));
  await peer.send(windowUpdate, fin, 2, 0);

  assertEquals(await readAll(stream), sent);
  session.close();
});

Deno.test("a peer that sends more than its window gets go-away 1, and the session ends", async () => {
  const { session, peer } = rawPeer();
  await peer.send(windowUpdate, syn, 2, 0);
  await session.accept();
  await peer.receive();

  await peer.send(data, 0, 2, new Uint8Array(WINDOW + 1)).catch(() => {});

  assertEquals(await peer.receiveHeader(), [goAway, 0, 0, GoAwayCode.protocolError]);
  assertEquals((await session.closed).code, "protocol_error");
});

Deno.test("both sides writing more than a window at the same time do not block each other", async () => {
  using both = pair();
  const [here, there] = await streams(both);
  const sent = bytes(4 * WINDOW);

  const lengths = await Promise.all([here, there].map(async (stream) => {
    const writing = stream.write(sent).then(() => stream.closeWrite());
    const received = await readAll(stream);
    await writing;
    return received.length;
  }));

  assertEquals(lengths, [sent.length, sent.length]);
});

// --- closing ---

Deno.test("closeWrite() ends one direction; the other goes on until the peer ends it too", async () => {
  using both = pair();
  const [here, there] = await streams(both);

  await here.closeWrite();
  assertEquals(await there.read(), null);
  await there.write(bytes(7));
  there.close();

  assertEquals(await readAll(here), bytes(7));
  assertEquals(await code(here.write(bytes(1))), "stream_closed");
  await both.client.ping();
  assertEquals([both.client.streamCount, both.server.streamCount], [0, 0]);
});

Deno.test("bytes that arrived before the session ended can still be read", async () => {
  using both = pair();
  const [here, there] = await streams(both);
  await here.write(bytes(100));
  await here.closeWrite();
  await both.client.ping();

  both.server.close();

  assertEquals(await readAll(there), bytes(100));
});

Deno.test("a stream that was not ended fails with the session, after its bytes were read", async () => {
  using both = pair();
  const [here, there] = await streams(both);
  await here.write(bytes(100));
  await both.client.ping();

  both.client.close();
  await both.server.closed;

  assertEquals(await there.read(), bytes(100));
  assertEquals(await code(there.read()), "session_ended");
  assertEquals(await code(here.read()), "session_closed");
});

Deno.test("reset() fails both sides at once", async () => {
  using both = pair();
  const [here, there] = await streams(both);
  const reading = code(there.read());
  await here.write(bytes(0));

  here.reset();

  assertEquals(
    [await reading, await code(here.read()), await code(here.write(bytes(1)))],
    Array(3).fill("stream_reset"),
  );
  assertEquals([both.client.streamCount, both.server.streamCount], [0, 0]);
});

Deno.test("a stream closed here is reset when the peer does not close it in time", async () => {
  const { session, peer, clock } = rawPeer();
  const stream = await session.open();
  await peer.send(windowUpdate, ack, 1, 0);
  stream.close();
  assertEquals(await peer.receiveHeader(), [windowUpdate, syn, 1, 0]);
  assertEquals(await peer.receiveHeader(), [windowUpdate, fin, 1, 0]);

  await clock.advance(5 * 60_000);

  assertEquals(await peer.receiveHeader(), [windowUpdate, rst, 1, 0]);
  assertEquals([session.streamCount, session.isOpen], [0, true]);
  session.close();
});

Deno.test("a peer that keeps sending on a stream that was closed here gets a reset", async () => {
  const { session, peer } = rawPeer();
  const stream = await session.open();
  stream.close();
  await peer.receive();
  await peer.receive();

  await peer.send(data, 0, 1, new Uint8Array(WINDOW / 2));
  await peer.send(data, 0, 1, new Uint8Array(1));

  assertEquals(await peer.receiveHeader(), [windowUpdate, rst, 1, 0]);
  session.close();
});

Deno.test("a second end of one stream is a protocol error", async () => {
  const { session, peer } = rawPeer();
  await peer.send(windowUpdate, syn, 2, 0);

  await peer.send(windowUpdate, fin, 2, 0);
  await peer.send(windowUpdate, fin, 2, 0);

  assertEquals((await session.closed).code, "protocol_error");
});

Deno.test("data and window updates for streams that are gone, or never were, are dropped", async () => {
  const { session, peer } = rawPeer();

  await peer.send(data, 0, 9, new Uint8Array(100_000));
  await peer.send(windowUpdate, fin, 11, 5);
  await peer.send(windowUpdate, rst, 13, 0);
  await peer.send(ping, syn, 0, 5);

  assertEquals(await peer.receiveHeader(), [ping, ack, 0, 5]);
  session.close();
});

Deno.test("data that comes with the end of a stream is read before the end", async () => {
  const { session, peer } = rawPeer();
  await peer.send(windowUpdate, syn, 2, 0);
  const stream = (await session.accept())!;
  await stream.closeWrite();

  await peer.send(data, fin, 2, bytes(10));

  assertEquals(await readAll(stream), bytes(10));
  session.close();
});

// --- protocol errors ---

for (
  const [name, frame] of Object.entries({
    "an unknown version": [1, data, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    "an unknown type": [0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    "a stream with our own id": [0, windowUpdate, 0, syn, 0, 0, 0, 1, 0, 0, 0, 0],
    "a stream with the id 0": [0, windowUpdate, 0, syn, 0, 0, 0, 0, 0, 0, 0, 0],
  })
) {
  Deno.test(`${name} ends the session with go-away 1`, async () => {
    const { session, peer } = rawPeer();

    await peer.sendBytes(Uint8Array.from(frame));

    assertEquals(await peer.receiveHeader(), [goAway, 0, 0, GoAwayCode.protocolError]);
    assertEquals(await peer.receive(), null);
    assertEquals((await session.closed).code, "protocol_error");
  });
}

Deno.test("opening a stream that is open already is a protocol error", async () => {
  const { session, peer } = rawPeer();

  await peer.send(windowUpdate, syn, 2, 0);
  await peer.send(windowUpdate, syn, 2, 0);

  assertEquals((await session.closed).code, "protocol_error");
});

Deno.test("a connection that is cut within a frame is a broken one, between frames an ended one", async () => {
  const within = rawPeer();
  const between = rawPeer();
  await within.peer.sendBytes(new Uint8Array(5));

  within.peer.close();
  between.peer.close();

  assertEquals([(await within.session.closed).code, (await between.session.closed).code], [
    "transport_failed",
    "session_ended",
  ]);
});

// --- go away ---

Deno.test("goAway() keeps open streams, refuses new ones on both sides, and resets what comes anyway", async () => {
  using both = pair();
  const [here, there] = await streams(both);

  both.server.goAway();
  await both.client.ping();

  assertEquals([await code(both.client.open()), await code(both.server.open())], ["go_away", "go_away"]);
  await here.write(bytes(5));
  assertEquals(await there.read(), bytes(5));

  const { session, peer } = rawPeer();
  session.goAway();
  await peer.send(windowUpdate, syn, 2, 0);
  assertEquals(await peer.receiveHeader(), [goAway, 0, 0, GoAwayCode.normal]);
  assertEquals(await peer.receiveHeader(), [windowUpdate, rst, 2, 0]);
  session.close();
});

for (const goAwayCode of [GoAwayCode.protocolError, GoAwayCode.internalError, 77]) {
  Deno.test(`go-away ${goAwayCode} from the peer ends the session`, async () => {
    const { session, peer } = rawPeer();

    await peer.send(goAway, 0, 0, goAwayCode);

    const error = await session.closed;
    assertEquals(error.code, "remote_error");
    assertStringIncludes(error.message, `code ${goAwayCode}`);
  });
}

Deno.test("close() sends no go-away; the peer sees the end of the connection", async () => {
  const { session, peer } = rawPeer();

  session.close();

  assertEquals(await peer.receive(), null);
  assertEquals([(await session.closed).code, await session.accept()], ["session_closed", null]);
  assertEquals(await code(session.open()), "session_closed");
  assertEquals(await code(session.ping()), "session_closed");
});

// --- time ---

Deno.test("keep-alive pings go out every 30 s, and an answered one keeps the session", async () => {
  const { session, peer, clock } = rawPeer({ keepAliveMs: 30_000 });

  await clock.advance(30_000);
  assertEquals(await peer.receiveHeader(), [ping, syn, 0, 0]);
  await peer.send(ping, ack, 0, 0);
  await settle();
  await clock.advance(30_000);

  assertEquals(await peer.receiveHeader(), [ping, syn, 0, 1]);
  assert(session.isOpen);
  session.close();
});

Deno.test("an unanswered keep-alive ping ends the session after 10 s", async () => {
  const { session, clock } = rawPeer({ keepAliveMs: 30_000 });

  await clock.advance(39_999);
  assert(session.isOpen);
  await clock.advance(1);

  assertEquals((await session.closed).code, "ping_timeout");
});

Deno.test("a transport that takes nothing for 10 s ends the session", async () => {
  const { session, clock } = rawPeer({}, 1);
  const stream = await session.open();
  await stream.write(new Uint8Array(1000));
  await settle();
  await stream.write(new Uint8Array(1000));
  await settle();

  await clock.advance(10_000);

  assertEquals((await session.closed).code, "write_timeout");
  assertEquals(await code(stream.write(bytes(1))), "write_timeout");
});

Deno.test("writers wait for a transport that is slow, however many streams there are", async () => {
  const { session, peer } = rawPeer({}, 1);
  let written = 0;

  const writing = Promise.all(Array.from({ length: 50 }, async () => {
    const stream = await session.open();
    await stream.write(new Uint8Array(64 * 1024));
    written += 1;
  }));
  await settle();
  assert(written < 10, `${written} of 50 writes were taken`);
  for (let received = 0; received < 50 * 64 * 1024;) received += (await peer.receive())!.data.length;
  await writing;

  session.close();
});

Deno.test("a session that ended leaves no timer behind", async () => {
  const both = pair();
  const [here] = await streams(both);
  here.close();
  void both.client.ping();
  await settle();

  both[Symbol.dispose]();
  await Promise.all([both.client.released, both.server.released]);
  await settle();

  assertEquals(both.clock.sleeping, 0);
});

async function readBytes(stream: YamuxStream, count: number): Promise<void> {
  for (let left = count; left > 0;) left -= (await stream.read())!.length;
}

async function bufferedBytes(stream: YamuxStream): Promise<number> {
  let count = 0;
  try {
    for (let part = await stream.read(); part !== null; part = await stream.read()) count += part.length;
  } catch {
    // The session has ended: everything that arrived was counted.
  }
  return count;
}

/** Lets everything run that can run now. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
