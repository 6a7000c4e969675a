import { assert, assertEquals, assertRejects } from "@std/assert";

import { systemClock } from "../clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import { dialWebSocket } from "./web_socket_dial.ts";
import { WebSocketCloseError, webSocketStream, type WebSocketStreamOptions } from "./web_socket_stream.ts";

/** The two WebSockets there are streams of: the runtime's, and the one the agent dials with. */
const KINDS: Readonly<Record<string, (url: string, options?: WebSocketStreamOptions) => Promise<ByteStream>>> = {
  "webSocketStream()": async (url, options) => {
    const socket = new WebSocket(url.replace("http:", "ws:"));
    await new Promise((resolve) => socket.onopen = resolve);
    return webSocketStream(socket, options);
  },
  "dialWebSocket()": (url) => dialWebSocket({ url: new URL(url), headers: {}, clock: systemClock }),
};

/** A stream on the client's side and the bare WebSocket on the server's. */
class Connected implements AsyncDisposable {
  private constructor(
    readonly stream: ByteStream,
    readonly peer: WebSocket,
    readonly peerClosed: Promise<CloseEvent>,
    readonly server: Deno.HttpServer,
  ) {}

  static async open(kind = "webSocketStream()", options?: WebSocketStreamOptions): Promise<Connected> {
    const accepted = Promise.withResolvers<WebSocket>();
    const closed = Promise.withResolvers<CloseEvent>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
      socket.binaryType = "arraybuffer";
      socket.onopen = () => accepted.resolve(socket);
      socket.onclose = closed.resolve;
      return response;
    });
    const stream = await KINDS[kind]!(`http://127.0.0.1:${server.addr.port}/`, options);
    return new Connected(stream, await accepted.promise, closed.promise, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.close();
    await Promise.all([this.stream.released, this.peerClosed]);
    await this.server.shutdown();
  }
}

async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (let part = await stream.read(); part !== null; part = await stream.read()) {
    text += new TextDecoder().decode(part);
  }
  return text;
}

for (const kind of Object.keys(KINDS)) {
  Deno.test(`${kind} reads binary messages as one stream of bytes, to the end at 1000`, async () => {
    await using connected = await Connected.open(kind);

    for (const part of ["on", "", "e s", "tream"]) connected.peer.send(new TextEncoder().encode(part));
    connected.peer.close(1000);

    assertEquals(await readAll(connected.stream), "one stream");
  });

  Deno.test(`${kind} writes binary messages and ends with 1000 and no reason`, async () => {
    await using connected = await Connected.open(kind);
    const received = new Promise((resolve) => connected.peer.onmessage = ({ data }) => resolve(new Uint8Array(data)));

    await connected.stream.write(Uint8Array.of(1, 2, 3));
    assertEquals(await received, Uint8Array.of(1, 2, 3));
    connected.stream.close();

    const { code, reason } = await connected.peerClosed;
    assertEquals([code, reason], [1000, ""]);
  });

  Deno.test(`${kind} takes any other close code for an error, after what came before it`, async () => {
    await using connected = await Connected.open(kind);

    connected.peer.send(Uint8Array.of(7));
    connected.peer.close(4001, "build is outdated");

    assertEquals(await connected.stream.read(), Uint8Array.of(7));
    const error = await assertRejects(() => connected.stream.read(), WebSocketCloseError, "build is outdated");
    assertEquals(error.closeCode, 4001);
  });

  Deno.test(`${kind} refuses text`, async () => {
    await using connected = await Connected.open(kind);

    connected.peer.send("text");

    await assertRejects(() => connected.stream.read(), WebSocketCloseError, "only binary messages");
    assert([1003, 4003].includes((await connected.peerClosed).code));
  });

  Deno.test(`${kind} makes a writer wait for a transport that is behind`, async () => {
    await using connected = await Connected.open(kind);
    let received = 0;
    const all = Promise.withResolvers<void>();
    connected.peer.onmessage = ({ data }) => {
      received += data.byteLength;
      if (received === 32 * 1024 * 1024) all.resolve();
    };

    for (let index = 0; index < 32; index++) await connected.stream.write(new Uint8Array(1024 * 1024));
    await all.promise;

    assertEquals(received, 32 * 1024 * 1024);
  });

  Deno.test(`${kind} fails reads and writes after it was closed here, with the reason given`, async () => {
    await using connected = await Connected.open(kind);
    const reading = assertRejects(() => connected.stream.read(), Error, "enough");

    connected.stream.close(new Error("enough"));

    await reading;
    await assertRejects(() => connected.stream.write(new Uint8Array(1)), Error, "enough");
    assert(connected.stream.released !== undefined);
  });

  Deno.test(`${kind} keeps what arrives while nobody reads, in order`, async () => {
    await using connected = await Connected.open(kind);
    const parts = Array.from({ length: 40 }, (_, index) => new Uint8Array(100_000).fill(index));
    for (const part of parts) connected.peer.send(part);
    connected.peer.close(1000);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));

    let offset = 0;
    for (let piece = await connected.stream.read(); piece !== null; piece = await connected.stream.read()) {
      assert(piece.every((byte, index) => byte === Math.floor((offset + index) / 100_000)));
      offset += piece.length;
    }

    assertEquals(offset, 4_000_000);
  });
}

Deno.test("webSocketStream() gives up when too much waits for a reader, before memory grows", async () => {
  await using connected = await Connected.open("webSocketStream()", { maxUnreadBytes: 100_000 });

  for (let index = 0; index < 10; index++) connected.peer.send(new Uint8Array(20_000));

  assertEquals((await connected.peerClosed).code, 4009);
  await assertRejects(() => connected.stream.read(), WebSocketCloseError, "too many bytes");
});
