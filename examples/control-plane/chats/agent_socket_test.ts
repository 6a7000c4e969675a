import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { problemResponse } from "../../../core/http/problem.ts";
import { type AgentSocketOptions, relayToAgent } from "./agent_socket.ts";

/** What the agent's side does with each WebSocket. */
type AgentSide = (socket: WebSocket) => void;

/** A server that joins its WebSockets with those of an agent behind a Unix socket. */
async function open(agent: AgentSide, more: Partial<AgentSocketOptions> = {}) {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "agent.sock");
  const far = Deno.serve({ path, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    agent(socket);
    return response;
  });
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const stop = new AbortController();
  const near = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    try {
      return await relayToAgent(request, {
        ...{ http: () => Promise.resolve(client), path: "/watch", headers: { "x-chat": "1" }, what: "git state" },
        ...{ maxClientBytes: 10, maxAgentBytes: 20, stopping: stop.signal, ...more },
      });
    } catch (error) {
      return problemResponse(error, {});
    }
  });
  return {
    http: `http://127.0.0.1:${near.addr.port}`,
    stop,
    /** Connects; resolves to how it ended and what was received. */
    async talk(...said: readonly (string | Uint8Array<ArrayBuffer>)[]) {
      const socket = new WebSocket(`ws://127.0.0.1:${near.addr.port}`);
      socket.binaryType = "arraybuffer";
      const received: unknown[] = [];
      socket.onmessage = ({ data }) => received.push(typeof data === "string" ? data : new Uint8Array(data));
      socket.onopen = () => said.forEach((message) => socket.send(message));
      const { code, reason } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
      return { code, reason, received };
    },
    async [Symbol.asyncDispose]() {
      await near.shutdown();
      await far.shutdown();
      client.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Answers every message with itself, and ends when it is told to. */
const echo: AgentSide = (socket) => {
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => data === "end" ? socket.close(4123, "over") : socket.send(data);
};

Deno.test("messages go through as they are, text and bytes, and the agent's end with its code and reason", async () => {
  await using opened = await open(echo);

  const { code, reason, received } = await opened.talk("é", Uint8Array.of(0, 255), "end");

  assertEquals([code, reason, received], [4123, "over", ["é", Uint8Array.of(0, 255)]]);
});

Deno.test("what the agent says before the user is there is not lost", async () => {
  await using opened = await open((socket) => {
    socket.onopen = () => {
      socket.send("early");
      socket.close(1000);
    };
  });

  assertEquals(await opened.talk(), { code: 1000, reason: "", received: ["early"] });
});

Deno.test("a message that is too long ends both sides with 1009, whoever sent it", async () => {
  const closed: Promise<void>[] = [];
  await using opened = await open((socket) => {
    closed.push(new Promise((resolve) => socket.onclose = () => resolve()));
    socket.onmessage = () => socket.send("x".repeat(21));
  });

  const fromUser = await opened.talk("x".repeat(11));
  const fromAgent = await opened.talk("short");

  assertEquals([fromUser.code, fromAgent.code, fromAgent.received], [1009, 1009, []]);
  assertMatch(fromAgent.reason, /agent's message is too long/);
  await Promise.all(closed);
});

Deno.test("an agent that is gone without a word ends the user with 1001, and so does a stop", async () => {
  const socketOf = Promise.withResolvers<WebSocket>();
  await using opened = await open((socket) => socket.onmessage = () => socketOf.resolve(socket));

  const talking = opened.talk("one");
  await socketOf.promise;
  opened.stop.abort();

  assertEquals((await talking).code, 1001);
  assertEquals((await opened.talk()).code, 1001);
});

Deno.test("what is no WebSocket gets 426, and an agent that cannot be dialled or refuses is a 500 that says which", async () => {
  await using opened = await open(echo);
  await using away = await open(echo, { http: () => Promise.reject(new Error("not connected")) });
  const plain = await fetch(opened.http);
  const headers = {
    ...{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const refused = await rawGet(away.http, headers);

  assertEquals([plain.status, (await plain.json()).message], [426, "This route speaks WebSocket only"]);
  assertMatch(refused, /^HTTP\/1\.1 500 [^]*"message":"Failed to dial the agent","detail":"not connected"/);
});

/** The whole answer to a request that `fetch` would not send. */
async function rawGet(http: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { hostname, port } = new URL(http);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    "GET / HTTP/1.1",
    `host: ${hostname}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of connection.readable) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("}")) break;
  }
  return text;
}

Deno.test("a user who says more than the agent reads is cut off before the control plane's memory is full", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "deaf.sock");
  using listener = Deno.listen({ transport: "unix", path });
  const agent = (async () => {
    const connection = await listener.accept();
    const request = new Uint8Array(4096);
    const text = new TextDecoder().decode(request.subarray(0, await connection.read(request) ?? 0));
    const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1];
    const hash = await crypto.subtle.digest(
      "SHA-1",
      new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
    );
    const accept = new Uint8Array(hash).toBase64();
    const answer =
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(answer));
    return connection;
  })();
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  await using opened = await open(echo, { http: () => Promise.resolve(client), maxClientBytes: 1024 * 1024 });

  // Cut in the middle of its words, the user may not hear the reason.
  const { received } = await opened.talk(...Array(32).fill(new Uint8Array(1024 * 1024)));

  assertEquals(received, []);
  (await agent).close();
  await Deno.remove(dir, { recursive: true });
});
