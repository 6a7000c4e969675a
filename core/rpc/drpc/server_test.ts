import { assertEquals, assertRejects } from "@std/assert";

import { aborted } from "../../aborted.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { bytePipe } from "../byte_pipe.ts";
import { DrpcProtocolError, RpcError } from "./error.ts";
import { Kind } from "./packet.ts";
import { RawPeer } from "./raw_peer.ts";
import { type CallHandler, type DrpcServerOptions, serveDrpc } from "./server.ts";

const { invoke, message, error, cancel, close, closeSend, invokeMetadata } = Kind;
const bytes = (text: string) => new TextEncoder().encode(text);

const echo: CallHandler = async ({ stream }) => {
  const request = await stream.receive();
  if (request !== null) await stream.send(request);
};

function setUp(handler: CallHandler, options?: DrpcServerOptions) {
  const [ours, theirs] = bytePipe();
  return { served: serveDrpc(ours, handler, options), client: new RawPeer(theirs) };
}

Deno.test("serveDrpc() answers with the caller's stream id, message first, then the end", async () => {
  const { served, client } = setUp(echo);

  await client.send({ kind: invoke, data: bytes("/a.B/C") }, { kind: message, data: bytes("hi") }, { kind: closeSend });

  assertEquals([await client.receiveText(), await client.receiveText()], [`1:1 ${message} hi`, `1:2 ${closeSend}`]);
  client.close();
  await served;
});

Deno.test("serveDrpc() begins a call before the caller has finished sending", async () => {
  const { served, client } = setUp(echo);

  await client.send({ kind: invoke, data: bytes("/a.B/C") }, { kind: message, data: bytes("hi") });

  assertEquals(await client.receiveText(), `1:1 ${message} hi`);
  client.close();
  await served;
});

Deno.test("serveDrpc() serves calls in a row on one connection, and tolerates a close that comes late", async () => {
  const { served, client } = setUp(echo);

  for (const stream of [1n, 2n, 7n]) {
    await client.send(
      { stream, kind: invoke, data: bytes("/a.B/C") },
      { stream, kind: message, data: bytes(String(stream)) },
      { stream, kind: closeSend },
    );
    assertEquals(await client.receiveText(), `${stream}:1 ${message} ${stream}`);
    assertEquals(await client.receiveText(), `${stream}:2 ${closeSend}`);
    await client.send({ stream, kind: close });
  }

  client.close();
  await served;
});

Deno.test("serveDrpc() sends what the handler throws, with its code, and nothing after it", async () => {
  const { served, client } = setUp(({ path }) => Promise.reject(new RpcError(`no ${path}`, 7n)));

  await client.send({ kind: invoke, data: bytes("/a.B/C") }, { kind: closeSend });
  await client.send({ stream: 2n, kind: invoke, data: bytes("/a.B/D") }, { stream: 2n, kind: closeSend });

  const first = (await client.receive())!;
  assertEquals([first.kind, [...first.data.subarray(0, 8)]], [error, [0, 0, 0, 0, 0, 0, 0, 7]]);
  assertEquals(new TextDecoder().decode(first.data.subarray(8)), "no /a.B/C");
  assertEquals((await client.receive())!.stream, 2n);
  client.close();
  await served;
});

Deno.test("serveDrpc() gives the handler the metadata of its own call only", async () => {
  const seen: unknown[] = [];
  const { served, client } = setUp(({ metadata }) => Promise.resolve(void seen.push(metadata)));

  await client.send(
    { kind: invokeMetadata, data: Uint8Array.of(0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62) },
    { kind: invoke, data: bytes("/a.B/C") },
    { kind: closeSend },
  );
  await client.receive();
  await client.send({ stream: 2n, kind: invoke, data: bytes("/a.B/C") }, { stream: 2n, kind: closeSend });
  await client.receive();

  assertEquals(seen, [{ a: "b" }, {}]);
  client.close();
  await served;
});

for (
  const [name, end] of Object.entries<(client: RawPeer) => Promise<void>>({
    "cancels": (client) => client.send({ kind: cancel, control: true }),
    "closes the call": (client) => client.send({ kind: close }),
    "hangs up": (client) => Promise.resolve(client.close()),
    "starts another call": (client) => client.send({ stream: 2n, kind: invoke, data: bytes("/a.B/C") }),
    "sends metadata of another call": (client) => client.send({ stream: 2n, kind: invokeMetadata }),
  })
) {
  Deno.test(`serveDrpc() aborts the handler's signal when the caller ${name}`, async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { served, client } = setUp(async ({ signal, stream }) => {
      if (stream.id !== 1n) return;
      begun.resolve();
      await aborted(signal);
      ended.resolve();
    });
    await client.send({ kind: invoke, data: bytes("/a.B/C") });
    await begun.promise;

    await end(client);

    await ended.promise;
    client.close();
    await served;
  });
}

Deno.test("serveDrpc() runs one handler at a time, however often the caller cancels and calls", async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const { served, client } = setUp(async () => {
    most = Math.max(most, ++running);
    await gate.promise;
    running -= 1;
  });

  const calling = (async () => {
    for (let stream = 1n; stream <= 20n; stream++) await client.send({ stream, kind: invoke, data: bytes("/a.B/C") });
  })();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await calling;
  client.close();
  await served;

  assertEquals(most, 1);
});

Deno.test("serveDrpc() waits for its handlers before it resolves", async () => {
  let isOver = false;
  const begun = Promise.withResolvers<void>();
  const { served, client } = setUp(async ({ signal }) => {
    begun.resolve();
    await aborted(signal);
    await new Promise((resolve) => setImmediate(resolve));
    isOver = true;
  });
  await client.send({ kind: invoke, data: bytes("/a.B/C") });
  await begun.promise;

  client.close();
  await served;

  assertEquals(isOver, true);
});

Deno.test("serveDrpc() ends when its signal aborts: calls are cancelled, the caller sees the end", async () => {
  const stop = new AbortController();
  const begun = Promise.withResolvers<void>();
  const { served, client } = setUp(async ({ signal }) => {
    begun.resolve();
    await aborted(signal);
  }, { signal: stop.signal });
  await client.send({ kind: invoke, data: bytes("/a.B/C") });
  await begun.promise;

  stop.abort();
  await served;

  assertEquals(await client.receive(), null);
});

Deno.test("serveDrpc() drops messages nobody reads, so that the next call is seen", async () => {
  const { served, client } = setUp(() => Promise.resolve());
  await client.send({ kind: invoke, data: bytes("/a.B/C") });
  for (let index = 0; index < 20; index++) await client.send({ kind: message, data: new Uint8Array(64 * 1024) });

  assertEquals(await client.receiveText(), `1:1 ${closeSend}`);
  await client.send({ stream: 2n, kind: invoke, data: bytes("/a.B/C") });

  assertEquals(await client.receiveText(), `2:1 ${closeSend}`);
  client.close();
  await served;
});

Deno.test("serveDrpc() closes a connection that is not used for too long, but not during a call", async () => {
  const clock = new VirtualClock();
  const finish = Promise.withResolvers<void>();
  const { served, client } = setUp(() => finish.promise, { clock, inactivityMs: 1_000 });
  await client.send({ kind: invoke, data: bytes("/a.B/C") }, { kind: closeSend });
  await clock.advance(5_000);
  finish.resolve();
  assertEquals(await client.receiveText(), `1:1 ${closeSend}`);

  await clock.advance(999);
  await clock.advance(1);

  await served;
  assertEquals(await client.receive(), null);
});

for (
  const [name, packets] of Object.entries({
    "a call on a stream that is in use": [{ kind: invoke }, { kind: invoke }],
    "a message without a call": [{ kind: message }],
    "an unknown packet within a call": [{ kind: invoke }, { kind: 50 }],
    "metadata that is none": [{ kind: invokeMetadata, data: Uint8Array.of(0x0a) }],
  })
) {
  Deno.test(`serveDrpc() ends the connection for ${name}`, async () => {
    const { served, client } = setUp(({ signal }) => aborted(signal));
    const failure = assertRejects(() => served, DrpcProtocolError, "protocol error");

    await client.send(...packets);

    await failure;
    assertEquals(await client.receive(), null);
  });
}
