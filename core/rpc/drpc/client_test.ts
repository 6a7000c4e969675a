import { assert, assertEquals, assertRejects } from "@std/assert";

import { bytePipe } from "../byte_pipe.ts";
import { type CallOptions, DrpcClient, type DrpcClientOptions } from "./client.ts";
import { CallCanceledError, CallClosedError, DrpcProtocolError, encodeError, RpcError } from "./error.ts";
import { Kind } from "./packet.ts";
import { RawPeer } from "./raw_peer.ts";

const { invoke, message, error, cancel, close, closeSend, invokeMetadata } = Kind;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | null) => data === null ? null : new TextDecoder().decode(data);

function setUp(options?: DrpcClientOptions) {
  const [ours, theirs] = bytePipe();
  return { client: new DrpcClient(ours, options), server: new RawPeer(theirs) };
}

async function skip(peer: RawPeer, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await peer.receive();
}

Deno.test("invoke() sends invoke, message and the end of sending in one write before it waits", async () => {
  const { client, server } = setUp();

  const call = client.invoke("/a.B/C", bytes("hi"));

  assertEquals([await server.receiveText(), await server.receiveText(), await server.receiveText()], [
    `1:1 ${invoke} /a.B/C`,
    `1:2 ${message} hi`,
    `1:3 ${closeSend}`,
  ]);
  assertEquals(server.reads.length, 1);
  await server.send({ kind: message, data: bytes("yes") }, { kind: closeSend });
  assertEquals(text(await call), "yes");
  client.close();
});

Deno.test("invoke() sends metadata first", async () => {
  const { client, server } = setUp();

  const call = client.invoke("/a.B/C", bytes("hi"), { metadata: { a: "b" } });

  assertEquals([...(await server.receive())!.data], [0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62]);
  assertEquals(await server.receiveText(), `1:2 ${invoke} /a.B/C`);
  await server.send({ kind: message }, { kind: closeSend });
  await call;
  client.close();
});

Deno.test("invoke() completes with an answer that no end of sending follows, and then closes the stream", async () => {
  const { client, server } = setUp();
  const call = client.invoke("/a.B/C", bytes("hi"));
  await skip(server, 3);

  await server.send({ kind: message, data: bytes("yes") });

  assertEquals(text(await call), "yes");
  assertEquals(await server.receiveText(), `1:4 ${close}`);
  client.close();
});

Deno.test("invoke() tolerates what comes after its end", async () => {
  const { client, server } = setUp();
  const first = client.invoke("/a.B/C", bytes("1"));
  await skip(server, 3);
  await server.send({ kind: message, data: bytes("one") });
  await first;
  await skip(server, 1);

  const second = client.invoke("/a.B/C", bytes("2"));
  await skip(server, 3);
  await server.send({ kind: closeSend }, { kind: message }, { stream: 2n, kind: message, data: bytes("two") });

  assertEquals(text(await second), "two");
  client.close();
});

Deno.test("invoke() throws the server's error with its code and text, and the connection stays usable", async () => {
  const { client, server } = setUp();
  const call = client.invoke("/a.B/C", bytes("hi"));
  await skip(server, 3);
  await server.send({ kind: error, data: encodeError(new RpcError("no luck", 7n)) });

  const failure = await assertRejects(() => call, RpcError, "no luck");
  assertEquals(failure.remoteCode, 7n);

  const next = client.invoke("/a.B/C", bytes("hi"));
  await skip(server, 3);
  await server.send({ stream: 2n, kind: message, data: bytes("yes") }, { stream: 2n, kind: closeSend });
  assertEquals(text(await next), "yes");
  client.close();
});

Deno.test("invoke() throws when the server ends without an answer", async () => {
  const { client, server } = setUp();
  const call = client.invoke("/a.B/C", bytes("hi"));

  await server.send({ kind: closeSend });

  await assertRejects(() => call, CallClosedError, "without an answer");
  client.close();
});

Deno.test("a call waits for the one before it, and streams are numbered one after the other", async () => {
  const { client, server } = setUp();
  const first = client.invoke("/a.B/C", bytes("1"));
  const second = client.invoke("/a.B/C", bytes("2"));
  await skip(server, 3);
  await server.send({ kind: message, data: bytes("one") }, { kind: closeSend });
  await first;

  assertEquals(await server.receiveText(), `2:1 ${invoke} /a.B/C`);
  await server.send({ stream: 2n, kind: message, data: bytes("two") }, { stream: 2n, kind: closeSend });

  assertEquals(text(await second), "two");
  client.close();
});

Deno.test("a call that is cancelled while it waits for its turn is never sent, and the ones behind it go on", async () => {
  const { client, server } = setUp();
  const abort = new AbortController();
  const first = client.invoke("/a.B/C", bytes("1"));
  const second = client.invoke("/a.B/C", bytes("2"), { signal: abort.signal });
  const third = client.invoke("/a.B/C", bytes("3"));
  await skip(server, 3);

  abort.abort(new Error("not needed"));
  await server.send({ kind: message, data: bytes("one") }, { kind: closeSend });

  await assertRejects(() => second, Error, "not needed");
  await first;
  await skip(server, 1);
  assertEquals(await server.receiveText(), `2:2 ${message} 3`);
  await server.send({ stream: 2n, kind: message, data: bytes("three") }, { stream: 2n, kind: closeSend });
  assertEquals(text(await third), "three");
  client.close();
});

Deno.test("cancelling a call closes the transport, and the caller gets its own reason", async () => {
  const { client, server } = setUp();
  const abort = new AbortController();
  const call = client.invoke("/a.B/C", bytes("hi"), { signal: abort.signal });
  await skip(server, 3);

  abort.abort(new Error("not needed"));

  await assertRejects(() => call, Error, "not needed");
  assertEquals(await server.receive(), null);
  assert(await client.closed instanceof CallCanceledError);
  await assertRejects(() => client.invoke("/a.B/C", bytes("hi")), CallCanceledError);
});

Deno.test("soft cancel sends a control packet and keeps the connection", async () => {
  const { client, server } = setUp({ softCancel: true });
  const abort = new AbortController();
  const call = client.invoke("/a.B/C", bytes("hi"), { signal: abort.signal });
  await skip(server, 3);

  abort.abort(new Error("not needed"));
  await assertRejects(() => call, Error, "not needed");

  const packet = (await server.receive())!;
  assertEquals([packet.kind, packet.control, packet.message], [cancel, true, 4n]);
  const next = client.invoke("/a.B/C", bytes("hi"));
  await skip(server, 3);
  await server.send({ stream: 2n, kind: message, data: bytes("yes") }, { stream: 2n, kind: closeSend });
  assertEquals(text(await next), "yes");
  client.close();
});

Deno.test("a signal that is aborted already prevents the call", async () => {
  const { client } = setUp();
  const options: CallOptions = { signal: AbortSignal.abort(new Error("too late")) };

  await assertRejects(() => client.invoke("/a.B/C", bytes("hi"), options), Error, "too late");

  client.close();
});

Deno.test("calls fail when the server hangs up, breaks the protocol, or cuts a packet", async () => {
  const hangsUp = setUp();
  const breaks = setUp();
  const cuts = setUp();
  const calls = [hangsUp, breaks, cuts].map(({ client }) => client.invoke("/a.B/C", bytes("hi")));

  hangsUp.server.close();
  await breaks.server.send({ stream: 5n, kind: message });
  await cuts.server.sendBytes(Uint8Array.of(0x05, 1));
  cuts.server.close();

  await assertRejects(() => calls[0]!, CallClosedError, "the other side ended it");
  await assertRejects(() => calls[1]!, DrpcProtocolError, "stream 5, which was never opened");
  await assertRejects(() => calls[2]!, DrpcProtocolError, "within a packet");
});

Deno.test("a transport that gives nothing but empty reads is given up", async () => {
  let reads = 0;
  const client = new DrpcClient({
    read: () => Promise.resolve(++reads > 1_000_000 ? null : new Uint8Array(0)),
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close() {},
  });

  assert(await client.closed instanceof DrpcProtocolError);
  assertEquals(reads, 100);
});

Deno.test("a packet of an unknown kind is ignored with the control bit and fatal without it", async () => {
  const tolerant = setUp();
  const call = tolerant.client.invoke("/a.B/C", bytes("hi"));
  await tolerant.server.send({ kind: 40, control: true }, { kind: message, data: bytes("yes") }, { kind: closeSend });
  assertEquals(text(await call), "yes");
  tolerant.client.close();

  const strict = setUp();
  const failing = strict.client.invoke("/a.B/C", bytes("hi"));
  await strict.server.send({ kind: 40 });
  await assertRejects(() => failing, DrpcProtocolError, "unknown packet kind 40");
});

Deno.test("openStream() keeps its first packets until a message is sent or an answer is awaited", async () => {
  const { client, server } = setUp();
  const stream = await client.openStream("/a.B/C", { metadata: { a: "b" } });
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(server.reads, []);

  const answer = stream.receive();

  assertEquals([(await server.receive())!.kind, (await server.receive())!.kind], [invokeMetadata, invoke]);
  await server.send({ kind: message, data: bytes("first") }, { kind: closeSend });
  assertEquals(text(await answer), "first");
  await stream.close();
  client.close();
});

Deno.test("openStream() reads no further than the reader needs, and then goes on", async () => {
  const { client, server } = setUp();
  const stream = await client.openStream("/a.B/C");
  await stream.send(bytes("go"));
  let sent = 0;

  const sending = (async () => {
    for (; sent < 100; sent++) await server.send({ kind: message, data: new Uint8Array(64 * 1024) });
    await server.send({ kind: closeSend });
  })();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert(sent < 20, `${sent} messages of 64 KiB were taken from a stalled reader`);

  let received = 0;
  for (let part = await stream.receive(); part !== null; part = await stream.receive()) received += 1;
  await sending;
  assertEquals(received, 100);
  await stream.close();
  client.close();
});
