import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { parseAgentsFile } from "./agents_file.ts";
import { connectAgent } from "./connected_agent.ts";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";
import { forward } from "./proxy.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const CHAT = "11111111-1111-4111-8111-111111111111";
const FILE = parseAgentsFile(`{ "agents": [{ "name": "dev", "token": "${TOKEN}" }] }`, "test");
const connect = (plane: ControlPlane, config?: Readonly<Record<string, unknown>>) =>
  connectAgent(plane, { token: TOKEN, name: "dev", config });

const start = () => startControlPlane({ agents: FILE, logSink: () => {} });
const headersOf = ({ token }: ControlPlane) => ({ authorization: `Bearer ${token}` });
const proxied = ({ address }: ControlPlane, path: string) => `${address}/api/agents/dev/proxy${path}`;

Deno.test("the proxy hands requests on with path, query, body and status, and sandboxes what a browser would show", async () => {
  await using plane = start();
  await using agent = await connect(plane);
  const headers = headersOf(plane);
  const path = join(agent.dir, "a b.txt");
  // More than any window of the connection, so that flow control has its say both ways.
  const content = crypto.getRandomValues(new Uint8Array(64 * 1024));
  const large = new Blob(Array.from({ length: 64 }, () => content));

  const query = `path=${encodeURIComponent(path)}`;
  const written = await fetch(proxied(plane, `/api/v0/write-file?${query}`), { method: "POST", body: large, headers });
  const read = await fetch(proxied(plane, `/api/v0/read-file?${query}`), { headers });
  const missing = await fetch(proxied(plane, "/api/v0/nothing"), { headers });

  assertEquals([written.status, await written.body?.cancel()], [200, undefined]);
  assertEquals(await read.bytes(), new Uint8Array(await large.arrayBuffer()));
  assertEquals([missing.status, (await missing.json()).code], [404, "not_found"]);
  assert(read.headers.get("content-security-policy")?.startsWith("sandbox;"));
});

Deno.test("the proxy hands the chat's headers on, and the agent asks for no token", async () => {
  await using plane = start();
  await using _agent = await connect(plane);
  const headers = { ...headersOf(plane), "coder-chat-id": CHAT, "coder-ancestor-chat-ids": "null" };
  const list = async (more: HeadersInit) => {
    const response = await fetch(proxied(plane, "/api/v0/processes/list"), {
      headers: { ...headersOf(plane), ...more },
    });
    return (await response.json()).processes.length;
  };

  const body = JSON.stringify({ command: "true" });
  const started = await fetch(proxied(plane, "/api/v0/processes/start"), { method: "POST", headers, body });

  assertEquals([started.status, (await started.json()).started], [200, true]);
  assertEquals(await list({ "coder-chat-id": CHAT }), 1);
  assertEquals(await list({ "coder-chat-id": crypto.randomUUID() }), 0);
});

Deno.test("the proxy relays WebSockets, and the end of one side ends the other", async () => {
  await using plane = start();
  await using agent = await connect(plane);
  const url = proxied(plane, `/api/v0/git/watch?chat_id=${CHAT}`).replace("http:", "ws:");
  const open = () => {
    const socket = new WebSocket(url, { headers: headersOf(plane) });
    const closed = Promise.withResolvers<number>();
    const answered = Promise.withResolvers<string>();
    socket.onclose = ({ code }) => closed.resolve(code);
    socket.onmessage = ({ data }) => answered.resolve(data);
    socket.onopen = () => socket.send('{"type":"nonsense"}');
    return { socket, closed: closed.promise, answered: answered.promise };
  };

  const first = open();
  assertEquals(JSON.parse(await first.answered).type, "error");
  first.socket.close(1000);
  assertEquals(await first.closed, 1000);

  const second = open();
  await second.answered;
  agent.signal("SIGTERM");
  assert(await second.closed > 0);
});

Deno.test("the proxy relays what the agent says and its end also when both come before the other side is open", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "agent.sock");
  await using _far = Deno.serve({ path, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => {
      socket.send("early");
      socket.close(1000);
    };
    return response;
  });
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  await using near = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const response = await forward(request, { client, path: "/" });
    // Time for the agent's end to arrive before the answer leaves.
    await new Promise((resolve) => setImmediate(resolve));
    return response;
  });

  const socket = new WebSocket(`ws://127.0.0.1:${near.addr.port}`);
  const received: string[] = [];
  socket.onmessage = ({ data }) => received.push(data);
  await new Promise((resolve) => socket.onclose = resolve);

  assertEquals(received, ["early"]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("the proxy answers 503 while the agent is away, and when it lets nobody in", async () => {
  await using plane = start();
  const ask = () => fetch(proxied(plane, "/api/v0/info"), { headers: headersOf(plane) });

  const away = await ask();
  await using _agent = await connect(plane, { agent: { controlPlane: { tunnel: false } } });
  const closed = await ask();

  assertEquals([away.status, closed.status], [503, 503]);
  await away.body?.cancel();
  await closed.body?.cancel();
  const without = await fetch(proxied(plane, "/api/v0/info"));
  assertEquals([without.status, (await without.json()).code], [401, "unauthorized"]);
});
