import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { Agent } from "../proto/gen/agent_pb.ts";
import { acceptVersion, type ApiVersion, formatVersion, parseVersion, VERSION_REFUSED } from "./api_version.ts";
import type { ByteStream } from "./byte_stream.ts";
import { Dialer, RPC_PATH } from "./dial.ts";
import { DialError } from "./dial_error.ts";
import { serveSession } from "./multiplexed.ts";
import { ServiceRouter } from "./service_router.ts";
import { typedClient } from "./typed_client.ts";
import { webSocketStream } from "./web_socket_stream.ts";
import { YamuxSession } from "./yamux/session.ts";

const TOKEN = "8a1f7d44-0c1e-4a3a-9d5b-6a7c8d9e0f10";

/** The server's side of the handshake, as a control plane of a given version does it. */
class Server implements AsyncDisposable {
  readonly asked: URL[] = [];
  readonly headers: Headers[] = [];
  readonly sessions: YamuxSession[] = [];
  readonly router = new ServiceRouter();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #served: Promise<void>[] = [];

  constructor(public version: ApiVersion = parseVersion("2.10")) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  get versionsAsked(): (string | null)[] {
    return this.asked.map((url) => url.searchParams.get("version"));
  }

  #answer(request: Request): Response {
    const url = new URL(request.url);
    const isUpgrade = request.headers.get("upgrade") === "websocket";
    if (isUpgrade) this.asked.push(url);
    this.headers.push(new Headers(request.headers));
    if (url.pathname !== RPC_PATH) return new Response(null, { status: 404 });
    if (request.headers.get("Coder-Session-Token") !== TOKEN) {
      return Response.json({ message: "Agent token is invalid", detail: "sql: no rows" }, { status: 401 });
    }
    const version = acceptVersion(url.searchParams.get("version"), this.version);
    if ("field" in version) return Response.json({ message: VERSION_REFUSED, validations: [version] }, { status: 400 });
    if (!isUpgrade) return new Response(null, { status: 426 });
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server" });
      this.sessions.push(session);
      this.#served.push(serveSession(session, this.router.handle));
    };
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.close();
    await Promise.all([...this.#served, ...this.sessions.map((session) => session.released)]);
    await this.#server.shutdown();
  }
}

const never = new AbortController().signal;

Deno.test("Dialer.dial() connects with the newest version, the role agent and the token in its header only", async () => {
  await using server = new Server();
  const dialer = new Dialer({
    url: server.url,
    token: () => TOKEN,
    headers: () => Promise.resolve({ "X-Extra": "yes" }),
  });

  const link = await dialer.dial(never);

  const [url] = server.asked;
  assertEquals([formatVersion(link.version), url!.searchParams.get("version")], ["2.10", "2.10"]);
  assertEquals([...url!.searchParams.keys()], ["version", "role"]);
  assertEquals(url!.searchParams.get("role"), "agent");
  assertEquals([server.headers[0]!.get("coder-session-token"), server.headers[0]!.get("x-extra")], [TOKEN, "yes"]);
  assertEquals(url!.href.includes(TOKEN), false);
  link.close();
  await link.released;
});

Deno.test("Dialer.dial() goes down version by version until one is taken, and starts there next time", async () => {
  await using server = new Server(parseVersion("2.7"));
  const dialer = new Dialer({ url: server.url, token: () => TOKEN });

  const first = await dialer.dial(never);
  first.close();
  await first.released;
  const second = await dialer.dial(never);
  second.close();
  await second.released;

  assertEquals(formatVersion(first.version), "2.7");
  assertEquals(server.versionsAsked, ["2.10", "2.9", "2.8", "2.7", "2.10", "2.7"]);
});

Deno.test("Dialer.dial() takes a newer version again after the control plane was updated", async () => {
  await using server = new Server(parseVersion("2.0"));
  const dialer = new Dialer({ url: server.url, token: () => TOKEN });

  const old = await dialer.dial(never);
  old.close();
  await old.released;
  server.version = parseVersion("2.12");
  const updated = await dialer.dial(never);
  updated.close();
  await updated.released;

  assertEquals([old.version, updated.version].map(formatVersion), ["2.0", "2.10"]);
});

Deno.test("Dialer.dial() says so when none of its versions is taken", async () => {
  await using server = new Server(parseVersion("3.1"));

  const error = await assertRejects(() => new Dialer({ url: server.url, token: () => TOKEN }).dial(never), DialError);

  assertEquals([error.refusal?.status, error.isVersionRefused], [400, true]);
  assertEquals(server.versionsAsked.length, 11);
  assertStringIncludes(error.message, VERSION_REFUSED);
});

Deno.test("Dialer.dial() reports the answer of a server that refuses the token, without the token", async () => {
  await using server = new Server();
  const dialer = new Dialer({ url: server.url, token: () => "wrong-token" });

  const error = await assertRejects(() => dialer.dial(never), DialError);

  assertEquals(error.refusal, { status: 401, message: "Agent token is invalid", detail: "sql: no rows" });
  assertStringIncludes(error.message, "it answers 401 (Agent token is invalid: sql: no rows)");
  assertEquals(Deno.inspect(error).includes("wrong-token"), false);
  assertEquals(server.versionsAsked, ["2.10"]);
});

Deno.test("Dialer.dial() reports an address where nobody answers, and one that is none", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const closed = new Dialer({ url: `http://127.0.0.1:${port}`, token: () => TOKEN });
  const invalid = new Dialer({ url: "coder.example.org", token: () => TOKEN });

  const error = await assertRejects(() => closed.dial(never), DialError);
  await assertRejects(() => invalid.dial(never), DialError, "expected an address such as https://coder.example.org");

  assertEquals(error.refusal, undefined);
  assertStringIncludes(error.message, `Cannot connect to http://127.0.0.1:${port}${RPC_PATH}`);
});

Deno.test("Dialer.dial() stops when its signal aborts", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const stopping = new AbortController();
  const dialer = new Dialer({ url: `http://127.0.0.1:${listener.addr.port}`, token: () => TOKEN });

  const dialing = dialer.dial(stopping.signal);
  const connection = await listener.accept();
  stopping.abort(new Error("the agent stops"));

  await assertRejects(() => dialing, Error, "the agent stops");
  // The runtime closes the socket of an unfinished handshake in its own time; reading to the end waits for that.
  await connection.readable.pipeTo(new WritableStream());
  listener.close();
});

Deno.test("Dialer.dial() offers a tunnel only when somebody takes its streams, and hands them over", async () => {
  await using server = new Server();
  const taken = Promise.withResolvers<ByteStream>();
  const open = await new Dialer({ url: server.url, token: () => TOKEN, incoming: taken.resolve }).dial(never);
  const shut = await new Dialer({ url: server.url, token: () => TOKEN }).dial(never);

  const stream = await server.sessions[0]!.open();
  await stream.write(new TextEncoder().encode("GET / HTTP/1.1"));
  const refused = await server.sessions[1]!.open();

  assertEquals(server.asked.map((url) => url.searchParams.get("tunnel")), ["1", null]);
  assertEquals(new TextDecoder().decode((await (await taken.promise).read())!), "GET / HTTP/1.1");
  await assertRejects(() => refused.read(), Error, "reset");
  open.close();
  await open.released;
  shut.close();
  await shut.released;
});

Deno.test("a manifest with a 512000-byte script arrives intact, through more than one yamux window", async () => {
  await using server = new Server();
  const script = "#!/bin/sh\n" + "echo hello\n".repeat(512_000 / 11);
  server.router.add(Agent, { getManifest: () => ({ agentName: "main", scripts: [{ script }] }) });
  const link = await new Dialer({ url: server.url, token: () => TOKEN }).dial(never);

  const manifest = await typedClient(Agent, (method) => link.channelFor(method)).getManifest({});

  assertEquals(manifest.scripts[0]!.script, script);
  link.close();
  await link.released;
});
