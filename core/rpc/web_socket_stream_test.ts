import { assert, assertEquals, assertRejects } from "@std/assert";

import type { ByteStream } from "./byte_stream.ts";
import { WebSocketCloseError, webSocketStream, type WebSocketStreamOptions } from "./web_socket_stream.ts";

/** A stream on the client's side and the bare WebSocket on the server's. */
class Connected implements AsyncDisposable {
  private constructor(
    readonly stream: ByteStream,
    readonly peer: WebSocket,
    readonly peerClosed: Promise<CloseEvent>,
    readonly server: Deno.HttpServer,
  ) {}

  static async open(options?: WebSocketStreamOptions): Promise<Connected> {
    const accepted = Promise.withResolvers<WebSocket>();
    const closed = Promise.withResolvers<CloseEvent>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
      socket.binaryType = "arraybuffer";
      socket.onopen = () => accepted.resolve(socket);
      socket.onclose = closed.resolve;
      return response;
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.addr.port}`);
    await new Promise((resolve) => socket.onopen = resolve);
    return new Connected(webSocketStream(socket, options), await accepted.promise, closed.promise, server);
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

Deno.test("webSocketStream() reads binary messages as one stream of bytes, to the end at 1000", async () => {
  await using connected = await Connected.open();

  for (const part of ["on", "", "e s", "tream"]) connected.peer.send(new TextEncoder().encode(part));
  connected.peer.close(1000);

  assertEquals(await readAll(connected.stream), "one stream");
});

Deno.test("webSocketStream() writes binary messages and ends with 1000 and no reason", async () => {
  await using connected = await Connected.open();
  const received = new Promise((resolve) => connected.peer.onmessage = ({ data }) => resolve(new Uint8Array(data)));

  await connected.stream.write(Uint8Array.of(1, 2, 3));
  assertEquals(await received, Uint8Array.of(1, 2, 3));
  connected.stream.close();

  const { code, reason } = await connected.peerClosed;
  assertEquals([code, reason], [1000, ""]);
});

Deno.test("webSocketStream() takes any other close code for an error, after what came before it", async () => {
  await using connected = await Connected.open();

  connected.peer.send(Uint8Array.of(7));
  connected.peer.close(4001, "build is outdated");

  assertEquals(await connected.stream.read(), Uint8Array.of(7));
  const error = await assertRejects(() => connected.stream.read(), WebSocketCloseError, "build is outdated");
  assertEquals(error.closeCode, 4001);
});

Deno.test("webSocketStream() refuses text", async () => {
  await using connected = await Connected.open();

  connected.peer.send("text");

  await assertRejects(() => connected.stream.read(), WebSocketCloseError, "only binary messages");
  assertEquals((await connected.peerClosed).code, 4003);
});

Deno.test("webSocketStream() gives up when too much waits for a reader, before memory grows", async () => {
  await using connected = await Connected.open({ maxUnreadBytes: 100_000 });

  for (let index = 0; index < 10; index++) connected.peer.send(new Uint8Array(20_000));

  assertEquals((await connected.peerClosed).code, 4009);
  await assertRejects(() => connected.stream.read(), WebSocketCloseError, "too many bytes");
});

Deno.test("webSocketStream() makes a writer wait for a transport that is behind", async () => {
  await using connected = await Connected.open();
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

Deno.test("webSocketStream() fails reads and writes after it was closed here, with the reason given", async () => {
  await using connected = await Connected.open();
  const reading = assertRejects(() => connected.stream.read(), Error, "enough");

  connected.stream.close(new Error("enough"));

  await reading;
  await assertRejects(() => connected.stream.write(new Uint8Array(1)), Error, "enough");
  assert(connected.stream.released !== undefined);
});
