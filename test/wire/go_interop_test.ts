import { assert, assertEquals, assertRejects } from "@std/assert";

import { systemClock } from "../../core/clock.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { connByteStream } from "../../core/rpc/conn_byte_stream.ts";
import { DrpcClient, type RpcChannel } from "../../core/rpc/drpc/client.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { serveDrpc } from "../../core/rpc/drpc/server.ts";
import { MultiplexedChannel, serveSession } from "../../core/rpc/multiplexed.ts";
import { dialWebSocket } from "../../core/rpc/web_socket_dial.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { GoProgram, needsGo } from "./go_program.ts";
import { wireService } from "./wire_service.ts";

const SCALE = Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

Deno.test("the Go client checks our server over WebSocket, yamux and dRPC", needsGo, async () => {
  await using program = await GoProgram.build();
  const sessions: YamuxSession[] = [];
  const served: Promise<void>[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server" });
      sessions.push(session);
      served.push(serveSession(session, wireService()));
    };
    return response;
  });

  await program.check("call-ws", `ws://127.0.0.1:${server.addr.port}/`);

  await Promise.all(served);
  assertEquals(sessions.map((session) => session.streamCount), [0]);
});

Deno.test("the Go client checks our server over a Unix socket", needsGo, async () => {
  await using program = await GoProgram.build();
  const path = `${program.folder}/ours.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const service = wireService();
  const connections: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      // A caller that hangs up with unread answers resets the connection; the program's own checks are what counts here.
      connections.push(serveDrpc(connByteStream(connection), service).catch(() => {}));
    }
  })();

  await program.check("call-unix", path);

  listener.close();
  await accepting;
  await Promise.all(connections);
});

Deno.test("our server ends the calls of a Go client that dies in the middle of them", needsGo, async () => {
  await using program = await GoProgram.build();
  const ended = Promise.withResolvers<YamuxSession>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server" });
      serveSession(session, wireService()).then(() => ended.resolve(session));
    };
    return response;
  });

  await program.check("abandon-ws", `ws://127.0.0.1:${server.addr.port}/`);

  assertEquals((await ended.promise).streamCount, 0);
});

Deno.test("our client checks the Go server over WebSocket, yamux and dRPC", needsGo, async () => {
  await using program = await GoProgram.build();
  await using server = await program.serve("serve-ws");
  using session = new YamuxSession(await dialled(server.line), { role: "client" });
  const channel = new MultiplexedChannel(session);

  await checkCalls(() => Promise.resolve(channel));
  await checkConcurrent(channel);
  assertEquals(await session.ping() >= 0, true);
  await eventually(() => session.streamCount === 0);
});

Deno.test("our client checks the Go server over a Unix socket", needsGo, async () => {
  await using program = await GoProgram.build();
  const path = `${program.folder}/theirs.sock`;
  await using _server = await program.serve("serve-unix", path);

  const open = new Set<DrpcClient>();
  await checkCalls(async () => {
    const client = new DrpcClient(await dialUnix(path));
    open.add(client);
    return client;
  });

  for (const client of open) client.close();
});

Deno.test("our calls fail at once when the Go server dies in the middle of them", needsGo, async () => {
  await using program = await GoProgram.build();
  const server = await program.serve("serve-ws");
  const session = new YamuxSession(await dialled(server.line), { role: "client" });
  const stream = await new MultiplexedChannel(session).openStream("/test.Wire/Hang");
  await stream.send(new Uint8Array(1));

  const answer = assertRejects(() => stream.receive());
  await server[Symbol.asyncDispose]();

  await answer;
  assert(["session_ended", "transport_failed"].includes((await session.closed).code));
  await session.released;
});

async function checkCalls(dial: () => Promise<RpcChannel>): Promise<void> {
  let channel = await dial();
  assertEquals(await echo(channel, new Uint8Array(0)), new Uint8Array(0));
  const long = pattern(3 * 1024 * 1024);
  assertEquals(await echo(channel, long), long);

  const failure = await assertRejects(() => channel.invoke("/test.Wire/Fail", new Uint8Array(0)), RpcError, "no luck");
  assertEquals(failure.remoteCode, 7n);
  const metadata = await channel.invoke("/test.Wire/Metadata", new Uint8Array(0), { metadata: { a: "value of a" } });
  assertEquals(new TextDecoder().decode(metadata), "value of a");

  await checkCount(channel);
  await checkChat(channel);
  await checkCancel(channel, dial);

  channel = await dial();
  for (let index = 0; index < 10_000 * SCALE; index++) {
    const message = new TextEncoder().encode(String(index));
    assertEquals(await echo(channel, message), message);
  }
}

async function checkCount(channel: RpcChannel): Promise<void> {
  const stream = await channel.openStream("/test.Wire/Count");
  const request = new Uint8Array(8);
  new DataView(request.buffer).setUint32(0, 64);
  new DataView(request.buffer).setUint32(4, 1024 * 1024);
  await stream.send(request);
  await stream.closeSend();
  for (let index = 0; index < 64; index++) {
    const message = (await stream.receive())!;
    assertEquals(message.length, 1024 * 1024);
    assertEquals(new DataView(message.buffer, message.byteOffset).getUint32(0), index);
  }
  assertEquals(await stream.receive(), null);
}

async function checkChat(channel: RpcChannel): Promise<void> {
  const stream = await channel.openStream("/test.Wire/Chat");
  for (let index = 0; index < 50; index++) {
    const message = pattern(index * 1000);
    await stream.send(message);
    assertEquals(await stream.receive(), message);
  }
  await stream.closeSend();
  assertEquals(await stream.receive(), null);
}

async function checkCancel(channel: RpcChannel, dial: () => Promise<RpcChannel>): Promise<void> {
  const abort = new AbortController();
  const stream = await channel.openStream("/test.Wire/Hang", { signal: abort.signal });
  await stream.send(new TextEncoder().encode("wait"));
  abort.abort(new Error("not needed any more"));
  await assertRejects(() => stream.receive(), Error, "not needed any more");
  const other = await dial();
  await eventually(async () => {
    const answer = await other.invoke("/test.Wire/Canceled", new Uint8Array(0));
    return new TextDecoder().decode(answer) !== "0";
  });
}

async function checkConcurrent(channel: RpcChannel): Promise<void> {
  const streams = await Promise.all(Array.from({ length: 1000 }, async (_, index) => {
    const stream = await channel.openStream("/test.Wire/Chat");
    await stream.send(new TextEncoder().encode(String(index)));
    return stream;
  }));
  const answers = await Promise.all(streams.map(async (stream) => {
    const answer = await stream.receive();
    await stream.closeSend();
    assertEquals(await stream.receive(), null);
    return Number(new TextDecoder().decode(answer!));
  }));
  assertEquals(answers, answers.map((_, index) => index));
}

function echo(channel: RpcChannel, message: Uint8Array): Promise<Uint8Array> {
  return channel.invoke("/test.Wire/Echo", message);
}

async function dialUnix(path: string): Promise<ByteStream> {
  return connByteStream(await Deno.connect({ transport: "unix", path }));
}

function dialled(url: string): Promise<ByteStream> {
  return dialWebSocket({ url: new URL(url.replace("ws:", "http:")), headers: {}, clock: systemClock });
}

/** Waits for something the other process does in its own time. */
async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while (!await isTrue()) {
    deadline.throwIfAborted();
    // deno-lint-ignore outpost/no-sleep -- the other process tells nobody when it is done
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index * 7);
}
