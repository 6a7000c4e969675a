import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";

import { conformance, createTestAgent } from "@outpost/agent/testing";
import ports from "./former_name.ts";
import { forwardedHeaders, movedLocation } from "./forward.ts";
import { parseTable } from "./listening_ports.ts";
import portPreview from "./mod.ts";

const TARGET = { address: "127.0.0.1:5173", port: 5173, path: "/", prefix: "/api/v0/port/5173" };

conformance(portPreview);

Deno.test("parseTable() finds who listens where loopback reaches it", () => {
  const table = `  sl  local_address rem_address   st
   0: 0100007F:1435 00000000:0000 0A 00000000:00000000
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000
   2: 0500A8C0:0016 00000000:0000 0A 00000000:00000000
   3: 0100007F:1436 0100007F:9999 01 00000000:00000000
`;

  deepStrictEqual(parseTable(table, "127.0.0.1"), [
    { port: 5173, host: "127.0.0.1", isLocal: true },
    { port: 8080, host: "127.0.0.1", isLocal: false },
  ]);
});

Deno.test("forwardedHeaders() names the local server and keeps the agent's token to the agent", () => {
  const headers = forwardedHeaders(
    new Headers({ host: "agent:4280", authorization: "Bearer secret", cookie: "session=1", accept: "text/html" }),
    TARGET,
  );

  deepStrictEqual(Object.fromEntries(headers), {
    accept: "text/html",
    host: "localhost:5173",
    "x-forwarded-host": "agent:4280",
    "x-forwarded-prefix": "/api/v0/port/5173",
  });
});

Deno.test("movedLocation() keeps redirects of the server behind the prefix, and no others", () => {
  strictEqual(movedLocation("/login", TARGET), "/api/v0/port/5173/login");
  strictEqual(movedLocation("http://localhost:5173/a?b", TARGET), "/api/v0/port/5173/a?b");
  strictEqual(movedLocation("http://localhost:51730/", TARGET), "http://localhost:51730/");
  strictEqual(movedLocation("https://example.org/", TARGET), "https://example.org/");
  strictEqual(movedLocation("//example.org/", TARGET), "//example.org/");
});

/** A server that says what it saw; echoes over WebSocket. */
function serve(hostname: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("upgrade") === "websocket") {
      const host = request.headers.get("host");
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => socket.send(`you are ${host}`);
      socket.onmessage = ({ data }) => data === "bye" ? socket.close(4001, "bye") : socket.send(data);
      return response;
    }
    const { pathname, search } = new URL(request.url);
    if (pathname === "/moved") return new Response(null, { status: 302, headers: { location: "/there" } });
    return Response.json({ path: pathname + search, host: request.headers.get("host"), method: request.method });
  });
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`port-preview passes requests and WebSockets to a server on ${hostname}`, async () => {
    await using server = serve(hostname);
    const { port } = server.addr;
    await using agent = await createTestAgent({ plugins: [portPreview], time: "real" });
    const base = `/api/v0/port/${port}`;

    const { ports } = await (await agent.get("/api/v0/ports")).json();
    ok(ports.some((each: { port: number; local: boolean }) => each.port === port && each.local));
    deepStrictEqual(await (await agent.post(`${base}/a/b?c=1`, "text")).json(), {
      ...{ path: "/a/b?c=1", host: `localhost:${port}`, method: "POST" },
    });
    const moved = await agent.get(`${base}/moved`);
    deepStrictEqual([moved.status, moved.headers.get("location")], [302, `${base}/there`]);
    await moved.body?.cancel();

    const socket = await agent.webSocket(`${base}/socket`);
    strictEqual(await socket.next(), `you are localhost:${port}`);
    socket.send("hello");
    strictEqual(await socket.next(), "hello");
    socket.send(new Uint8Array([1, 2, 3]));
    deepStrictEqual(new Uint8Array(await socket.next() as Uint8Array), new Uint8Array([1, 2, 3]));
    socket.send("bye");
    deepStrictEqual(await socket.closed, { code: 4001, reason: "bye" });
    strictEqual(await agent.metric("agent_port_preview_requests_total", { outcome: "answered" }), 3);
  });
}

Deno.test("port-preview reaches nothing that it does not show", async () => {
  await using server = serve("127.0.0.1");
  const { port } = server.addr;
  await using agent = await createTestAgent({
    plugins: [portPreview],
    config: { "port-preview": { hidden: [port] } },
    time: "real",
  });

  const hidden = await agent.get(`/api/v0/port/${port}/`);
  strictEqual(hidden.status, 404);
  strictEqual((await hidden.json()).message, `Nobody listens on port ${port}`);
  strictEqual((await agent.reload({ config: { "port-preview": {} } })).plugins[0]?.action, "reconfigured");
  const shown = await agent.get(`/api/v0/port/${port}/`);
  strictEqual(shown.status, 200);
  await shown.body?.cancel();
});

Deno.test("port-preview gives up on a server that accepts and says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const silent = listener.accept();
  await using agent = await createTestAgent({
    plugins: [portPreview],
    config: { "port-preview": { answerMs: 100 } },
    time: "real",
  });

  const answer = await agent.get(`/api/v0/port/${listener.addr.port}/`);

  strictEqual(answer.status, 502);
  strictEqual((await answer.json()).message, `Port ${listener.addr.port} does not answer`);
  strictEqual(await agent.metric("agent_port_preview_requests_total", { outcome: "unreachable" }), 1);
  (await silent).close();
});

Deno.test("port-preview tells when servers come and go, and how many there are", async () => {
  await using agent = await createTestAgent({ plugins: [portPreview] });
  const told = (message: string) =>
    agent.logs("info").filter((line) => line.message === message).map(({ fields }) => fields.port);
  const until = async (message: string, port: number) => {
    while (!told(message).includes(port)) {
      await agent.clock.advance(2000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const server = serve("127.0.0.1");
  const { port } = server.addr;

  await until("a server listens", port);
  strictEqual((await agent.metric("agent_port_preview_ports") ?? 0) >= 1, true);
  await server.shutdown();
  await until("a server is gone", port);
});

Deno.test("port-preview shares one server at an address of its own, where its paths begin at the root", async () => {
  await using server = serve("127.0.0.1");
  const { port } = server.addr;
  await using agent = await createTestAgent({
    plugins: [portPreview],
    config: { "port-preview": { share: { address: "127.0.0.1:0", port } } },
    time: "real",
  });

  const { preview } = agent.agent.addresses;
  const answer = await fetch(`${preview}/assets/a.js?v=1`);
  deepStrictEqual((await answer.json()).path, "/assets/a.js?v=1");
  const moved = await fetch(`${preview}/moved`, { redirect: "manual" });
  strictEqual(moved.headers.get("location"), "/there");
  await moved.body?.cancel();
});

Deno.test("port-preview works under its former name, and tells the present one", async () => {
  await using agent = await createTestAgent({ plugins: [ports] });

  const answer = await agent.get("/api/v0/ports");
  await answer.body?.cancel();

  strictEqual(answer.status, 200);
  const warnings = agent.logs("warn").map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
  ok(warnings.some((line) => line.includes("deprecated") && line.includes("port-preview")), warnings.join("\n"));
});
