import { assertEquals, assertRejects } from "@std/assert";

import { HttpProblem } from "../errors.ts";
import type { SocketChannel, WebSocketOptions } from "../plugin.ts";
import type { FrontOptions } from "./front.ts";
import { type Listener, listenTcp } from "./listeners.ts";
import { listenNode } from "./node_listener.ts";
import type { PluginRoutes } from "./plugin_routes.ts";
import { type Channel, SocketClosedError } from "./socket_channel.ts";
import { serveTestFront, type TestFront } from "./testing_front.ts";

const SERVERS: Readonly<Record<string, (front: TestFront["front"]) => Listener | Promise<Listener>>> = {
  "Deno.serve": (front) => listenTcp(front, { port: 0 }),
  "node:http": (front) => listenNode(front, { port: 0 }),
};
const UPGRADE =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

interface Setup extends TestFront {
  readonly address: string;
  /** A client that is connected. */
  connect(path: string): Promise<Client>;
  /** A connection without a WebSocket library behind it, after its handshake. */
  connectRaw(path: string): Promise<Deno.TcpConn>;
}
interface Client {
  readonly socket: WebSocket;
  readonly messages: (string | ArrayBuffer)[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

function testOnBoth(
  name: string,
  register: (routes: PluginRoutes) => void,
  test: (setup: Setup) => Promise<void>,
  options: Partial<FrontOptions> = {},
): void {
  for (const [server, listen] of Object.entries(SERVERS)) {
    Deno.test(`${name} (${server})`, async () => {
      const made = serveTestFront(register, options);
      const listener = await listen(made.front);
      const { address } = listener;
      await test({
        ...made,
        address,
        connect: (path) => connect(`${address.replace("http", "ws")}/api/v0/p${path}`, made.headers),
        connectRaw: (path) => connectRaw(address, `/api/v0/p${path}`, made.headers),
      });
      await listener.close(AbortSignal.timeout(2_000));
      made.front.close();
    });
  }
}

async function connect(url: string, headers: Readonly<Record<string, string>>): Promise<Client> {
  const socket = new WebSocket(url, { headers });
  socket.binaryType = "arraybuffer";
  const messages: (string | ArrayBuffer)[] = [];
  socket.onmessage = ({ data }) => messages.push(data);
  socket.onerror = (event) => event.preventDefault();
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  await new Promise((resolve) => socket.onopen = resolve);
  return { socket, messages, closed };
}

async function connectRaw(
  address: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Deno.TcpConn> {
  const { hostname, port, host } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}${lines}\r\n`));
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n") && await connection.read(byte)) head += String.fromCharCode(byte[0]!);
  assertEquals(head.slice(0, 12), "HTTP/1.1 101");
  return connection;
}

/** Routes whose channel the test takes hold of; the function stays until the channel is closed. */
function held(options?: WebSocketOptions) {
  const opened: ((channel: SocketChannel) => void)[] = [];
  return {
    register: (routes: PluginRoutes) =>
      routes.webSocket("/ws", () => async (socket) => {
        opened.shift()?.(socket);
        await socket.closed;
      }, options),
    next: () => new Promise<SocketChannel>((resolve) => opened.push(resolve)),
  };
}

testOnBoth(
  "webSocket() hands messages over in order, text as text and bytes as bytes",
  (routes) =>
    routes.webSocket("/echo", () => async (socket) => {
      for await (const message of socket) await socket.send(message);
    }),
  async ({ connect, routes }) => {
    const client = await connect("/echo");
    const { promise: all, resolve } = Promise.withResolvers<void>();
    client.socket.addEventListener("message", () => client.messages.length === 102 && resolve());

    for (let index = 0; index < 100; index++) client.socket.send(`message ${index}`);
    client.socket.send(new Uint8Array([0, 255, 7]));
    client.socket.send("");
    await all;

    assertEquals(client.messages.slice(0, 100), [...Array(100).keys()].map((index) => `message ${index}`));
    assertEquals(new Uint8Array(client.messages[100] as ArrayBuffer), new Uint8Array([0, 255, 7]));
    assertEquals(client.messages[101], "");
    client.socket.close();
    await client.closed;
    await routes.idle();
  },
);

testOnBoth(
  "webSocket() closes with 1000 when the plugin's function returns, after everything was sent",
  (routes) =>
    routes.webSocket("/once", () => (socket) => {
      for (let index = 0; index < 40; index++) socket.send(new Uint8Array(64 * 1024)).catch(() => {});
    }),
  async ({ connect }) => {
    const client = await connect("/once");

    assertEquals(await client.closed, { code: 1000, reason: "" });
    assertEquals(client.messages.length, 40);
  },
);

testOnBoth(
  "webSocket() closes with 1011 and reports when the plugin's function throws",
  (routes) =>
    routes.webSocket("/broken", () => () => {
      throw new Error("secret");
    }),
  async ({ connect, failures, routes }) => {
    const client = await connect("/broken");

    assertEquals(await client.closed, { code: 1011, reason: "Internal error" });
    await routes.idle();
    assertEquals(failures.map(([phase, error]) => [phase, (error as Error).message]), [["webSocket", "secret"]]);
  },
);

testOnBoth(
  "webSocket() keeps status and body of a refusal",
  (routes) => {
    routes.webSocket("/returns", (c) => c.text("not for you", 403, { "x-why": "because" }));
    routes.webSocket("/throws", () => {
      throw new HttpProblem(409, "Busy", { code: "p_busy" });
    });
    routes.webSocket("/breaks", () => Promise.reject(new Error("secret")));
  },
  async ({ address, headers, failures }) => {
    const refused = async (path: string) => {
      const { hostname, port, host } = new URL(address);
      const connection = await Deno.connect({ hostname, port: Number(port) });
      const auth = `Authorization: ${headers.authorization}\r\n`;
      const head = `GET /api/v0/p${path} HTTP/1.1\r\nHost: ${host}\r\n${
        UPGRADE.replace("Upgrade\r\n", "Upgrade, close\r\n")
      }${auth}\r\n`;
      await connection.write(new TextEncoder().encode(head));
      const text = await new Response(connection.readable).text();
      return [text.slice(9, 12), text.slice(text.indexOf("\r\n\r\n") + 4)] as const;
    };

    assertEquals(await refused("/returns"), ["403", "not for you"]);
    const [status, body] = await refused("/throws");
    assertEquals([status, JSON.parse(body).code, JSON.parse(body).message], ["409", "p_busy", "Busy"]);
    const [broken, text] = await refused("/breaks");
    assertEquals([broken, text.includes('"code":"internal"'), text.includes("secret")], ["500", true, false]);
    assertEquals(failures.length, 1);
  },
);

testOnBoth(
  "webSocket() answers a plain GET with 426 and an upgrade without proof or from a foreign page with 401 and 403",
  held().register,
  async ({ address, headers }) => {
    const url = `${address}/api/v0/p/ws`;
    const plain = await fetch(url, { headers });
    assertEquals([plain.status, plain.headers.get("upgrade"), (await plain.json()).message], [
      426,
      "websocket",
      "This route speaks WebSocket only",
    ]);
    for (const extra of [{}, { ...headers, origin: "http://evil.example" }]) {
      const socket = new WebSocket(url.replace("http", "ws"), { headers: extra });
      const { promise, resolve } = Promise.withResolvers<string>();
      socket.onerror = (event) => {
        event.preventDefault();
        resolve((event as ErrorEvent).message);
      };
      const closed = new Promise((resolve) => socket.onclose = resolve);
      const refusal = await promise;
      assertEquals(refusal.includes("headers" in extra || "origin" in extra ? "403" : "401"), true, refusal);
      await closed;
    }
  },
);

for (const [code, reason, reported] of [[1000, "bye", 1000], [3333, "ü", 3333], [undefined, "", 1005]] as const) {
  const route = held();
  testOnBoth(
    `SocketChannel.closed reports ${reported} when the peer closes with ${code ?? "no code"}`,
    route.register,
    async ({ connect, routes }) => {
      const opening = route.next();
      const client = await connect("/ws");
      const channel = await opening;
      if (code === undefined) client.socket.close();
      else client.socket.close(code, reason);
      await client.closed;

      assertEquals(await channel.closed, { code: reported, reason });
      assertEquals(channel.signal.aborted, true);
      await assertRejects(() => channel.send("late"), SocketClosedError);
      await routes.idle();
    },
  );
}

{
  const route = held();
  testOnBoth(
    "SocketChannel reports 1006 when the connection is cut",
    route.register,
    async ({ connectRaw, routes }) => {
      for (let round = 0; round < 5; round++) {
        const opening = route.next();
        const connection = await connectRaw("/ws");
        const channel = await opening;
        connection.close();
        assertEquals(await channel.closed, { code: 1006, reason: "" });
      }
      await routes.idle();
    },
  );
}
{
  const route = held();
  testOnBoth(
    "closeSockets() closes every channel with the given code, and those that come later",
    route.register,
    async ({ connect, routes }) => {
      const clients = [await connect("/ws"), await connect("/ws")];

      routes.closeSockets(1001, "Agent is stopping");

      for (const client of clients) assertEquals(await client.closed, { code: 1001, reason: "Agent is stopping" });
      await routes.idle();
      const late = await connect("/ws");
      assertEquals((await late.closed).code, 1001);
    },
  );
}
{
  const route = held({ maxMessageBytes: 1000 });
  testOnBoth(
    "SocketChannel closes with 1009 when a message is longer than allowed, counted in bytes",
    route.register,
    async ({ connect, routes }) => {
      for (const message of ["a".repeat(1001), "ü".repeat(501), new Uint8Array(200_000)]) {
        const opening = route.next();
        const client = await connect("/ws");
        const channel = await opening;
        client.socket.send("ü".repeat(500));
        client.socket.send(message);
        assertEquals((await client.closed).code, 1009);
        assertEquals((await channel.closed).code, 1009);
      }
      await routes.idle();
    },
  );
}
{
  const route = held({ maxQueuedBytes: 100_000 });
  testOnBoth(
    "SocketChannel closes with 1009 when nobody reads what the peer sends",
    route.register,
    async ({ connect, routes }) => {
      const opening = route.next();
      const client = await connect("/ws");
      const channel = await opening;

      for (let index = 0; index < 20; index++) client.socket.send(new Uint8Array(10_000));

      assertEquals(await channel.closed, { code: 1009, reason: "Receive queue is full" });
      // What the client still had on its way may reset the connection before it reads the close frame.
      await client.closed;
      const left: unknown[] = [];
      for await (const message of channel) left.push(message);
      assertEquals(left, []);
      await routes.idle();
    },
  );
}
{
  const route = held({ maxQueuedBytes: 1024 * 1024 });
  testOnBoth(
    "SocketChannel closes with 1009 when a peer does not take what is sent without waiting, and keeps little",
    route.register,
    async ({ connectRaw, routes }) => {
      const opening = route.next();
      using _stalled = await connectRaw("/ws");
      const channel = await opening;
      const chunk = new Uint8Array(64 * 1024);
      let refused = 0;
      let taken = 0;
      while (!channel.signal.aborted && taken < 4096) {
        channel.send(chunk).catch((error) => refused += error instanceof SocketClosedError ? 1 : 0);
        if (++taken % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      }

      assertEquals(await channel.closed, { code: 1009, reason: "Send queue is full" });
      assertEquals(refused > 10, true, `${refused} of ${taken} were refused`);
      await routes.idle();
    },
  );
}
{
  const route = held();
  testOnBoth(
    "SocketChannel closes with 1009 when too much waits for all peers together and most for its own",
    route.register,
    async ({ connectRaw, routes }) => {
      const open = async () => {
        const opening = route.next();
        return { peer: await connectRaw("/ws"), channel: await opening };
      };
      const [first, second] = [await open(), await open()];
      using _stalled = first.peer;
      using _too = second.peer;
      const send = async ({ channel }: typeof first) => {
        channel.send(new Uint8Array(64 * 1024)).catch(() => {}); // What becomes of it is not the question.
        await new Promise((resolve) => setImmediate(resolve));
      };
      const isOver = () => first.channel.signal.aborted || second.channel.signal.aborted;
      for (let sent = 0; !isOver() && sent < 4096; sent++) {
        // The system takes some for a while, so that the first has to be filled up again.
        await send((first.channel as Channel).queuedBytes < 700_000 ? first : second);
      }

      assertEquals(await first.channel.closed, { code: 1009, reason: "Send queues are full" });
      assertEquals(second.channel.signal.aborted, false);
      second.channel.close();
      second.peer.close();
      await second.channel.closed;
      await routes.idle();
    },
    { limits: { maxTotalQueuedBytes: 1024 * 1024 } },
  );
}
{
  const route = held();
  testOnBoth(
    "SocketChannel.send() waits for a peer that reads slowly and loses nothing",
    route.register,
    async ({ connectRaw, routes }) => {
      const opening = route.next();
      const connection = await connectRaw("/ws");
      const channel = await opening;
      const chunk = new Uint8Array(256 * 1024);
      const total = 64;
      let sent = 0;
      const sending = (async () => {
        for (; sent < total; sent++) await channel.send(chunk);
      })();
      // What fits into buffers on the way is taken at once; the rest waits for the reader.
      let before = -1;
      while (before !== sent) {
        before = sent;
        for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      assertEquals(sent < total, true, "nothing waited");

      let received = 0;
      const buffer = new Uint8Array(1024 * 1024);
      const frames = total * (chunk.byteLength + 10); // A frame of this size has a head of ten bytes.
      while (received < frames) received += (await connection.read(buffer))!;
      await sending;
      assertEquals([received, sent], [frames, total]);
      connection.close();
      assertEquals((await channel.closed).code, 1006);
      await routes.idle();
    },
  );
}
{
  const route = held();
  testOnBoth(
    "SocketChannel closes with 1001 when pings stay unanswered, and stays open while they are answered",
    route.register,
    async ({ connect, connectRaw, routes }) => {
      const openingAlive = route.next();
      const alive = await connect("/ws");
      const aliveChannel = await openingAlive;
      const opening = route.next();
      using _silent = await connectRaw("/ws");
      const channel = await opening;

      assertEquals(await channel.closed, { code: 1001, reason: "Ping failed" });
      assertEquals(aliveChannel.signal.aborted, false);
      alive.socket.close();
      await alive.closed;
      await routes.idle();
    },
    { limits: { heartbeatMs: 1_000 } },
  );
}
{
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  let finish = () => {};
  testOnBoth(
    "webSocket() survives a client that leaves while the route is being opened",
    (routes) => {
      routes.webSocket("/slow", async () => {
        enter();
        await new Promise<void>((resolve) => finish = resolve);
        return async (socket) => void await socket.closed;
      });
      routes.webSocket("/ws", () => () => {});
    },
    async ({ address, headers, connect, routes }) => {
      const { hostname, port, host } = new URL(address);
      const connection = await Deno.connect({ hostname, port: Number(port) });
      const head = `GET /api/v0/p/slow HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}`;
      await connection.write(new TextEncoder().encode(`${head}Authorization: ${headers.authorization}\r\n\r\n`));
      await entered;
      connection.close();
      finish();

      assertEquals((await (await connect("/ws")).closed).code, 1000);
      finish();
      await routes.idle();
    },
  );
}
{
  const route = held();
  testOnBoth(
    "Front refuses more WebSockets than its limit and counts those that left",
    route.register,
    async ({ connect, address, headers, routes }) => {
      const first = await connect("/ws");
      const refused = await fetch(`${address}/healthz`);
      assertEquals(refused.status, 200);
      await refused.body?.cancel();
      const second = new WebSocket(`${address.replace("http", "ws")}/api/v0/p/ws`, { headers });
      const message = await new Promise<string>((resolve) => {
        second.onerror = (event) => {
          event.preventDefault();
          resolve((event as ErrorEvent).message);
        };
      });
      assertEquals(message.includes("429"), true, message);
      first.socket.close();
      await first.closed;
      await routes.idle();

      const third = await connect("/ws");
      third.socket.close();
      await third.closed;
      await routes.idle();
    },
    { limits: { maxWebSockets: 1 } },
  );
}
