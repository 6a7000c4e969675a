import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import { z } from "zod";

import { HttpProblem, ScopeClosedError } from "../errors.ts";
import { createLogger } from "../log.ts";
import type { LogFields } from "../plugin.ts";
import { RecentLog } from "../recent_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Front, type FrontOptions, type Observation } from "./front.ts";
import type { Connection } from "./front_door.ts";
import { json, readJson } from "./json.ts";
import type { PluginRoutes, RouteHooks } from "./plugin_routes.ts";

const TOKEN = "correct-token";
const HOST = "127.0.0.1:4000";
const TCP: Connection = { transport: "tcp", remote: "127.0.0.1:5555" };
const UNIX: Connection = { transport: "unix", remote: "unix" };

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

function createFront(options: Partial<FrontOptions> = {}) {
  const clock = new VirtualClock();
  const lines: Line[] = [];
  const observed: Observation[] = [];
  const failures: [string, unknown][] = [];
  const front = new Front({
    clock,
    log: createLogger({
      category: ["test"],
      clock,
      level: "debug",
      sink: ({ level, message, properties }) =>
        lines.push({ level, message: message.join(""), fields: properties as LogFields }),
    }),
    token: TOKEN,
    core: {
      greeting: () => "Outpost 1.2.3 is running",
      plugins: () => [{ id: "agentproc", state: "running", summary: "Runs <processes>" }],
      health: () => ({ status: "ok" }),
      readiness: () => ({ ready: false, body: { status: "starting" } }),
      metrics: () => ({ contentType: "text/plain; version=0.0.4", text: "agent_up 1\n" }),
      info: () => ({ version: "1.2.3" }),
      status: () => ({ pid: 7 }),
      recentLog: new RecentLog(),
      document: () => ({}),
      reload: () => Promise.resolve({ plugins: [], agent: [] }),
    },
    observe: (observation) => observed.push(observation),
    ...options,
  });
  const hooks: RouteHooks = {
    enter: (_phase, fn) => fn(),
    failed: (phase, error) => failures.push([phase, error]),
  };

  function serve(plugin: string, segments: string | string[], register: (routes: PluginRoutes) => void) {
    const mount = front.mount(plugin, segments);
    const routes = front.createRoutes(plugin, segments, hooks);
    register(routes);
    routes.seal();
    mount.answer = { kind: "serving", routes };
    return { mount, routes };
  }
  async function ask(path: string, init: RequestInit & { connection?: Connection } = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", HOST);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${TOKEN}`);
    if (headers.get("authorization") === "none") headers.delete("authorization");
    return await front.fetch(new Request(`http://${HOST}${path}`, { ...init, headers }), init.connection ?? TCP);
  }
  return { front, clock, lines, observed, failures, serve, ask, hooks };
}

async function problem(response: Response) {
  const { code, plugin, message } = await response.json();
  return { status: response.status, code, plugin, message: message as string };
}

Deno.test("Front greets programs with JSON and browsers with a page that lists the plugins", async () => {
  const { ask } = createFront();

  const greeting = await ask("/");
  const page = await (await ask("/", { headers: { accept: "text/html,*/*" } })).text();

  assertEquals([greeting.status, await greeting.json()], [200, { message: "Outpost 1.2.3 is running" }]);
  for (const cell of ["agentproc", "running", "Runs &lt;processes&gt;"]) assertStringIncludes(page, `<td>${cell}</td>`);
  assertEquals(page.includes("<script"), false);
});

Deno.test("Front serves health, readiness, metrics and info", async () => {
  const { ask } = createFront();

  assertEquals(await (await ask("/healthz", { headers: { authorization: "none" } })).json(), { status: "ok" });
  const readiness = await ask("/readyz");
  assertEquals([readiness.status, await readiness.json()], [503, { status: "starting" }]);
  for (const path of ["/metrics", "/debug/prometheus"]) {
    const metrics = await ask(path);
    assertEquals(metrics.headers.get("content-type"), "text/plain; version=0.0.4");
    assertEquals(await metrics.text(), "agent_up 1\n");
  }
  assertEquals(await (await ask("/api/v0/info")).json(), { version: "1.2.3" });
});

Deno.test("Front answers 404 for unknown paths and 405 with Allow for known ones", async () => {
  const { ask, serve } = createFront();
  serve("agentproc", "agentproc", ({ app }) => {
    app.use("*", (_c, next) => next());
    app.get("/list", (c) => c.text("list"));
    app.post("/list", (c) => c.text("made"));
  });

  assertEquals(await problem(await ask("/nope")), {
    status: 404,
    code: "not_found",
    plugin: undefined,
    message: "No such route",
  });
  assertEquals((await problem(await ask("/api/v0/agentproc/nope"))).status, 404);
  assertEquals((await problem(await ask("/api/v0/unclaimed/list"))).status, 404);
  const wrong = await ask("/api/v0/agentproc/list", { method: "PUT" });
  assertEquals([wrong.status, wrong.headers.get("allow")], [405, "GET, HEAD, POST"]);
  assertEquals((await wrong.json()).code, "method_not_allowed");
  assertEquals((await ask("/healthz", { method: "POST" })).headers.get("allow"), "GET, HEAD");
});

Deno.test("Front gives each plugin its prefix and keeps wildcard routes inside", async () => {
  const { ask, serve } = createFront();
  serve("agentproc", "processes", ({ app }) => app.all("*", (c) => c.text(`proc ${c.req.path}`)));
  serve("agentfiles", ["read-file", "write-file"], ({ app }) => {
    app.all("*", (c) => c.text(`files ${c.req.path}`));
  });

  assertEquals(await (await ask("/api/v0/processes/a/b")).text(), "proc /api/v0/processes/a/b");
  assertEquals(await (await ask("/api/v0/read-file?path=/a")).text(), "files /api/v0/read-file");
  assertEquals(await (await ask("/api/v0/info")).json(), { version: "1.2.3" });
  for (const outside of ["/api/v0/other", "/api/v0/read-fil", "/api/v0", "/api/v0/", "/x", "/api/v0//read-file"]) {
    assertEquals((await problem(await ask(outside))).status, 404, outside);
  }
});

Deno.test("mount() refuses a segment that is taken, the core's own, or no segment at all", () => {
  const { front } = createFront();
  front.mount("agentfiles", ["read-file", "write-file"]);

  assertThrows(() => front.mount("other", "write-file"), RangeError, '"write-file" belongs to "agentfiles"');
  assertThrows(() => front.mount("other", "info"), RangeError, 'belongs to "core"');
  assertThrows(() => front.mount("other", "a/b"), RangeError, "not a path segment");
});

Deno.test("Mount.answer says why a plugin does not answer", async () => {
  const { front, ask } = createFront();
  const mount = front.mount("ssh", "ssh");

  assertEquals((await problem(await ask("/api/v0/ssh/x"))).code, "plugin_starting");
  mount.answer = {
    kind: "unavailable",
    status: 503,
    code: "plugin_draining",
    message: 'Plugin "ssh" is being stopped',
    retryAfterSeconds: 5,
  };
  const draining = await ask("/api/v0/ssh/x");
  assertEquals(draining.headers.get("retry-after"), "5");
  assertEquals(await problem(draining), {
    status: 503,
    code: "plugin_draining",
    plugin: "ssh",
    message: 'Plugin "ssh" is being stopped',
  });
  mount.remove();
  assertEquals((await problem(await ask("/api/v0/ssh/x"))).code, "not_found");
});

Deno.test("seal() refuses routes, sockets and limits that come late", () => {
  const { front, hooks } = createFront();
  const routes = front.createRoutes("late", "late", hooks);
  routes.seal();

  assertThrows(() => routes.app.get("/x", (c) => c.text("x")), ScopeClosedError);
  assertThrows(() => routes.webSocket("/x", () => () => {}), ScopeClosedError);
  assertThrows(() => routes.limit("/x", {}), ScopeClosedError);
});

Deno.test("Front turns what a handler throws into the one error body and reports what was not meant for the client", async () => {
  const { ask, serve, failures, lines } = createFront();
  const fault = new Error("secret /root/key");
  serve("p", "p", ({ app }) => {
    app.get("/meant", () => {
      throw new HttpProblem(409, "Busy", { code: "p_busy" });
    });
    app.get("/sync", () => {
      throw fault;
    });
    app.get("/async", () => Promise.reject(fault));
    app.get("/text", () => {
      throw "secret text";
    });
  });

  assertEquals(await problem(await ask("/api/v0/p/meant")), {
    status: 409,
    code: "p_busy",
    plugin: "p",
    message: "Busy",
  });
  assertEquals(failures, []);
  for (const path of ["sync", "async", "text"]) {
    const response = await ask(`/api/v0/p/${path}`, { headers: { "x-request-id": "r1" } });
    const text = await response.text();
    assertEquals(response.status, 500);
    assertEquals(text.includes("secret"), false, text);
    assertStringIncludes(text, '"code":"internal","plugin":"p","requestId":"r1"');
  }
  assertEquals(failures, [["route", fault], ["route", fault], ["route", "secret text"]]);
  assertEquals(lines.filter((line) => line.level === "warning").length, 3);
});

Deno.test("Front refuses every route without the token, except the open ones", async () => {
  const { ask, serve } = createFront();
  serve("p", "p", ({ app }) => app.get("/x", (c) => c.text("x")));
  const paths = [
    "/",
    "/readyz",
    "/metrics",
    "/debug/prometheus",
    "/api/v0/info",
    "/api/v0/p/x",
    "/nope",
    "/api/v0/nope",
  ];
  const wrong = ["none", "Bearer", "Bearer wrong", `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`];

  for (const path of paths) {
    for (const authorization of wrong) {
      const response = await ask(path, { headers: { authorization } });
      assertEquals(response.status, 401, `${path} ${authorization}`);
      assertEquals(response.headers.get("www-authenticate"), "Bearer");
      assertEquals((await response.json()).code, "unauthorized");
    }
  }
  assertEquals((await ask("/api/v0/auth/link", { method: "POST", headers: { authorization: "none" } })).status, 401);
  assertEquals((await ask("/api/v0/p/x", { headers: { authorization: `bearer ${TOKEN}` } })).status, 200);
});

Deno.test("Front needs no token over the Unix socket, where any Host will do", async () => {
  const { ask } = createFront();

  const response = await ask("/api/v0/info", {
    connection: UNIX,
    headers: { authorization: "none", host: "whatever" },
  });

  assertEquals(response.status, 200);
});

Deno.test("Front refuses a foreign Host on every route, also the open ones", async () => {
  const { ask } = createFront({ hosts: ["outpost.example", "Proxy.example:8443"] });
  const ok = ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.9.1:80", "[::1]:80", "outpost.example:7"];

  for (const host of [...ok, "proxy.example:8443"]) {
    assertEquals((await ask("/healthz", { headers: { host } })).status, 200, host);
  }
  const foreign = ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "proxy.example", "[::2]", "0.0.0.0"];
  for (const host of foreign) {
    for (const path of ["/", "/healthz", "/auth/code", "/api/v0/info"]) {
      assertEquals((await problem(await ask(path, { headers: { host } }))).code, "forbidden_host", host + path);
    }
  }
});

Deno.test("Front refuses a foreign Origin on both transports", async () => {
  const { ask } = createFront();

  const foreign = [
    "http://evil.example",
    "http://127.0.0.1:4001",
    "http://localhost:4000",
    "null",
    "file://",
    "garbage",
  ];
  for (const origin of foreign) {
    for (const connection of [TCP, UNIX]) {
      const response = await ask("/api/v0/info", { headers: { origin }, connection });
      assertEquals((await problem(response)).code, "forbidden_origin", origin);
    }
  }
  for (const origin of [`http://${HOST}`, `https://${HOST}`]) {
    assertEquals((await ask("/api/v0/info", { headers: { origin } })).status, 200);
  }
});

Deno.test("POST /api/v0/auth/link makes a link that works once and leaves a strict cookie", async () => {
  const { ask, lines } = createFront();
  const made = await (await ask("/api/v0/auth/link", { method: "POST" })).json();
  const path = new URL(made.url).pathname;

  assertEquals((await ask(path, { method: "HEAD", headers: { authorization: "none" } })).status, 204);
  const first = await ask(path, { headers: { authorization: "none" } });
  const second = await ask(path, { headers: { authorization: "none" } });

  assertEquals([new URL(made.url).host, made.expires_at], [HOST, "2026-01-01T00:02:00.000Z"]);
  assertEquals([first.status, first.headers.get("location")], [303, "/"]);
  const cookie = first.headers.get("set-cookie")!;
  for (const part of ["outpost_session_4000=", "HttpOnly", "SameSite=Strict", "Path=/"]) {
    assertStringIncludes(cookie, part);
  }
  assertEquals((await problem(second)).status, 410);
  assertEquals(JSON.stringify(lines).includes(path.slice("/auth/".length)), false);
});

Deno.test("POST /api/v0/auth/link over the Unix socket uses the address the agent listens on", async () => {
  const { ask, front } = createFront();
  const open = () => ask("/api/v0/auth/link", { method: "POST", connection: UNIX });

  assertEquals((await problem(await open())).status, 409);
  front.baseUrl = "http://127.0.0.1:4711";
  assertStringIncludes((await (await open()).json()).url, "http://127.0.0.1:4711/auth/");
});

for (const jumpMs of [3_600_000, -3_600_000]) {
  Deno.test(`A sign-in link and a session end by what has passed, also when the clock is set by ${jumpMs} ms`, async () => {
    const { ask, clock } = createFront();
    const made = async () => new URL((await (await ask("/api/v0/auth/link", { method: "POST" })).json()).url).pathname;
    const [used, left] = [await made(), await made()];

    clock.jump(jumpMs);
    const signedIn = await ask(used);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    clock.jump(12 * jumpMs);
    const reads = async () => (await ask("/api/v0/info", { headers: { authorization: "none", cookie } })).status;
    assertEquals([signedIn.status, await reads()], [303, 200]);
    await clock.advance(2 * 60_000);
    assertEquals((await ask(left)).status, 410);
    await clock.advance(12 * 60 * 60_000);

    assertEquals(await reads(), 401);
  });
}

Deno.test("A sign-in link expires", async () => {
  const { ask, clock } = createFront();
  const made = await (await ask("/api/v0/auth/link", { method: "POST" })).json();

  await clock.advance(2 * 60_000);

  assertEquals((await ask(new URL(made.url).pathname)).status, 410);
});

Deno.test("A browser session reads freely and must name its own page to change anything", async () => {
  const { ask, serve, clock } = createFront();
  serve("p", "p", ({ app }) => app.all("/x", (c) => c.html("<script>alert(1)</script>")));
  const made = await (await ask("/api/v0/auth/link", { method: "POST" })).json();
  const signedIn = await ask(new URL(made.url).pathname);
  const cookie = `a=b; ${signedIn.headers.get("set-cookie")!.split(";")[0]}`;
  const request = (method: string, extra: Record<string, string> = {}) =>
    ask("/api/v0/p/x", { method, headers: { authorization: "none", cookie, ...extra } });

  const read = await request("GET");
  assertEquals(read.status, 200);
  assertStringIncludes(read.headers.get("content-security-policy")!, "sandbox");
  assertEquals((await problem(await request("POST"))).code, "forbidden_origin");
  assertEquals((await problem(await request("GET", { upgrade: "websocket" }))).code, "forbidden_origin");
  assertEquals((await request("POST", { origin: `http://${HOST}` })).status, 200);
  assertEquals((await problem(await request("POST", { origin: "http://evil" }))).code, "forbidden_origin");
  assertEquals((await request("GET", { host: "127.0.0.1:4001" })).status, 401);
  assertEquals((await request("GET", { cookie: "outpost_session_4000=guess" })).status, 401);
  const link = { method: "POST", headers: { authorization: "none", cookie, origin: `http://${HOST}` } };
  assertEquals((await ask("/api/v0/auth/link", link)).status, 401);
  await clock.advance(12 * 60 * 60_000);
  assertEquals((await request("GET")).status, 401);
});

Deno.test("Front holds bodies to their limit, declared or not, and reads nothing beyond it", async () => {
  const { ask, serve } = createFront({ limits: { maxBodyBytes: 1000 } });
  const schema = z.string();
  serve("p", "p", (routes) => {
    routes.limit("/big", { maxBodyBytes: 5000 });
    routes.limit("/any", { maxBodyBytes: Infinity });
    for (const path of ["/small", "/big", "/any"]) {
      routes.app.post(path, async (c) => json(c, (await readJson(c, schema)).length));
    }
  });
  let pulled = 0;
  const chunked = (bytes: number) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const first = pulled === 0;
        pulled += 100;
        if (pulled < bytes) {
          return controller.enqueue(new Uint8Array(100).fill(first ? 0x22 : 0x61, 0, 1).fill(0x61, 1));
        }
        controller.enqueue(new TextEncoder().encode('"'));
        controller.close();
      },
    });
  const post = (path: string, body: BodyInit, headers = {}) =>
    ask(`/api/v0/p/${path}`, { method: "POST", body, headers });

  assertEquals((await post("small", '"a"', { "content-length": "3" })).status, 200);
  assertEquals((await problem(await post("small", '"a"', { "content-length": "1001" }))).code, "body_too_large");
  assertEquals((await post("big", '"a"', { "content-length": "1001" })).status, 200);
  assertEquals((await problem(await post("small", chunked(1_000_000)))).status, 413);
  assertEquals(pulled < 3000, true, `${pulled} bytes were read`);
  pulled = 0;
  assertEquals((await post("any", chunked(20_000))).status, 200);
  pulled = 0;
  assertEquals((await post("small", chunked(500))).status, 200);
});

Deno.test("Front refuses a body that all bodies together leave no room for, declared or not, and takes it when there is", async () => {
  const { ask, serve, front } = createFront({ limits: { maxBodyBytes: 1000, maxTotalBodyBytes: 1500 } });
  const holding: (() => void)[] = [];
  serve("p", "p", (routes) => {
    routes.limit("/any", { maxBodyBytes: Infinity });
    routes.app.post("/hold", async (c) => {
      await c.req.text();
      await new Promise<void>((resolve) => holding.push(resolve));
      return c.text("held");
    });
    for (const path of ["/read", "/any"]) routes.app.post(path, async (c) => json(c, await readJson(c, z.string())));
  });
  const post = (path: string, bytes: number, isDeclared: boolean) => {
    const body = JSON.stringify("a".repeat(bytes - 2));
    return isDeclared
      ? ask(`/api/v0/p/${path}`, { method: "POST", body, headers: { "content-length": String(bytes) } })
      : ask(`/api/v0/p/${path}`, { method: "POST", body: new Blob([body]).stream() });
  };

  const held = post("hold", 900, true);
  for (const isDeclared of [true, false]) {
    const refused = await post("read", 700, isDeclared);
    assertEquals([refused.status, refused.headers.get("retry-after")], [429, "1"]);
    assertEquals((await problem(refused)).code, "too_many_requests");
    assertEquals((await post("read", 500, isDeclared)).status, 200);
    assertEquals((await post("any", 2000, isDeclared)).status, 200);
  }
  holding[0]!();
  await held;

  for (const isDeclared of [true, false]) assertEquals((await post("read", 700, isDeclared)).status, 200);
  front.close();
});

Deno.test("Front answers for a handler that takes too long and aborts its signal", async () => {
  const { ask, serve, clock, front } = createFront();
  const reasons: unknown[] = [];
  let finish = () => {};
  const { routes } = serve("p", "p", (routes) => {
    routes.limit("/slow", { handlerMs: 60_000 });
    routes.limit("/wait", { handlerMs: Infinity });
    routes.app.get("/:name", async (c) => {
      c.req.raw.signal.addEventListener("abort", () => reasons.push(c.req.raw.signal.reason.name));
      await new Promise<void>((resolve) => finish = resolve);
      return c.text("late");
    });
  });

  const hanging = ask("/api/v0/p/fast");
  await clock.advance(30_000);
  assertEquals((await problem(await hanging)).code, "handler_timeout");
  assertEquals(reasons, ["DeadlineError"]);
  finish();
  await routes.idle();

  const slow = ask("/api/v0/p/slow");
  await clock.advance(59_999);
  finish();
  assertEquals(await (await slow).text(), "late");

  const waiting = ask("/api/v0/p/wait");
  await clock.advance(10 * 60_000);
  finish();
  assertEquals(await (await waiting).text(), "late");
  front.close();
});

Deno.test("Front refuses more requests at once than its limit, but stays healthy", async () => {
  const { ask, serve, front } = createFront({ limits: { maxRequests: 2 } });
  const finish: (() => void)[] = [];
  serve("p", "p", ({ app }) => {
    app.get("/x", (c) => new Promise<Response>((resolve) => finish.push(() => resolve(c.text("x")))));
  });

  const first = [ask("/api/v0/p/x"), ask("/api/v0/p/x")];
  const third = await ask("/api/v0/p/x");
  assertEquals([third.status, third.headers.get("retry-after")], [429, "1"]);
  assertEquals((await ask("/healthz")).status, 200);
  for (const end of finish) end();
  for (const response of await Promise.all(first)) assertEquals(response.status, 200);
  const fourth = ask("/api/v0/p/x");
  finish.at(-1)!();
  assertEquals((await fourth).status, 200);
  front.close();
});

Deno.test("Front puts the request id, the chat and its ancestors on every line and echoes a valid id", async () => {
  const { ask, serve, lines, front } = createFront();
  const chat = "11111111-1111-4111-8111-111111111111";
  const parent = "22222222-2222-4222-8222-222222222222";
  serve("p", "p", ({ app }) => app.get("/x", (c) => c.text("x")));

  const given = await ask("/api/v0/p/x", {
    headers: { "x-request-id": "abc-1", "coder-chat-id": chat, "coder-ancestor-chat-ids": `["${parent}"]` },
  });
  const made = await ask("/api/v0/p/x", { headers: { "x-request-id": "no spaces" } });

  assertEquals(given.headers.get("x-request-id"), "abc-1");
  assertEquals(made.headers.get("x-request-id")?.length, 36);
  assertEquals(lines.length, 2);
  const [first, second] = lines as [Line, Line];
  assertEquals([first.level, first.message], ["debug", "GET"]);
  const { host, path, remote_addr, status_code, request_id, chat_id, ancestor_chat_ids } = first.fields;
  assertEquals([host, path, remote_addr, status_code], [HOST, "/api/v0/p/x", "127.0.0.1:5555", 200]);
  assertEquals([request_id, chat_id, ancestor_chat_ids], ["abc-1", chat, [parent]]);
  assertEquals("chat_id" in second.fields, false);
  front.close();
});

Deno.test("Front logs its own failures with the body, at warn", async () => {
  const { ask, front, lines } = createFront({ logsRequests: false });
  front.mount("p", "p").answer = { kind: "unavailable", status: 503, code: "plugin_failed", message: "It broke" };

  await (await ask("/api/v0/p/x")).text();
  await ask("/api/v0/info");

  assertEquals(lines.map((line) => line.level), ["warning"]);
  assertStringIncludes(String(lines[0]!.fields.response_body), '"code":"plugin_failed"');
});

Deno.test("Front reports each answer with the route's pattern and nothing a client made up", async () => {
  const { ask, serve, observed, front } = createFront();
  serve("p", "p", ({ app }) => {
    app.use("*", (_c, next) => next());
    app.get("/:id/output", (c) => c.text("x"));
  });
  front.mount("down", "down");

  await ask("/api/v0/p/17/output");
  await ask("/api/v0/p/17/output", { method: "BREW" });
  await ask("/api/v0/down/17");
  await ask("/nope");
  await ask("/api/v0/p/17/output", { headers: { authorization: "none" } });

  assertEquals(observed.map(({ plugin, route, method, status }) => [plugin, route, method, status]), [
    ["p", "/api/v0/p/:id/output", "GET", 200],
    ["p", "/api/v0/p/*", "other", 405],
    ["down", "/api/v0/down", "GET", 503],
    ["core", "unmatched", "GET", 404],
    ["core", "unmatched", "GET", 401],
  ]);
  front.close();
});

Deno.test("Two fronts in one process keep tokens, mounts and limits apart", async () => {
  const one = createFront();
  const two = createFront({ token: "other-token" });
  one.serve("p", "p", ({ app }) => app.get("/x", (c) => c.text("one")));
  two.serve("p", "p", ({ app }) => app.get("/x", (c) => c.text("two")));

  const authorization = "Bearer other-token";
  assertEquals(await (await one.ask("/api/v0/p/x")).text(), "one");
  assertEquals((await one.ask("/api/v0/p/x", { headers: { authorization } })).status, 401);
  assertEquals(await (await two.ask("/api/v0/p/x", { headers: { authorization } })).text(), "two");
});

Deno.test("a handler that fails because its client is gone is no failure of the plugin", async () => {
  const started = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Observation>();
  const { front, serve, failures } = createFront({ observe: answered.resolve });
  serve("p", "p", (routes) => {
    routes.app.get("/wait", async (c) => {
      started.resolve();
      const { signal } = c.req.raw;
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return c.text("never");
    });
  });
  const client = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => front.fetch(request, { ...TCP, transport: "unix" }),
  );

  const asked = fetch(`http://127.0.0.1:${server.addr.port}/api/v0/p/wait`, { signal: client.signal });
  await started.promise;
  client.abort();
  await asked.catch(() => {}); // Being cut off is what this test is about.
  const { route, status } = await answered.promise;
  await server.shutdown();

  assertEquals(failures, []);
  assertEquals([route, status], ["/api/v0/p/wait", 499]);
});

Deno.test("an upload that its client cuts is told from a fault, also where the handler has words of its own for it", async () => {
  const answered = Promise.withResolvers<Observation>();
  const { front, serve, failures } = createFront({ observe: answered.resolve });
  const reading = Promise.withResolvers<void>();
  serve("p", "p", (routes) => {
    routes.app.post("/upload", async (c) => {
      const reader = c.req.raw.body!.getReader();
      try {
        while (!(await reader.read()).done) reading.resolve();
      } catch (cause) {
        throw new HttpProblem(500, "nothing was written", { cause });
      }
      return c.text("never");
    });
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => front.fetch(request, { ...TCP, transport: "unix" }),
  );

  using client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await client.write(
    new TextEncoder().encode("POST /api/v0/p/upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nhalf"),
  );
  await reading.promise;
  await client.closeWrite();
  const { route, status } = await answered.promise;
  await server.shutdown();

  assertEquals(failures, []);
  assertEquals([route, status], ["/api/v0/p/upload", 499]);
});

Deno.test("a handler that asks a closed request for more is no failure of the plugin", async () => {
  const { serve, ask, failures } = createFront();
  serve("p", "p", (routes) => {
    routes.app.get("/late", () => {
      throw new TypeError("Cannot read headers: request closed");
    });
  });

  const response = await ask("/api/v0/p/late");

  assertEquals(response.status, 499);
  assertEquals((await problem(response)).code, "client_gone");
  assertEquals(failures, []);
});

Deno.test("a handler that fails for a reason of its own while its client is gone is a failure of the plugin", async () => {
  const { serve, ask, failures } = createFront();
  serve("p", "p", (routes) => {
    routes.app.get("/wrong", () => {
      throw new TypeError("Cannot read properties of undefined");
    });
  });
  const client = AbortSignal.abort();

  const response = await ask("/api/v0/p/wrong", { signal: client });

  assertEquals(response.status, 500);
  assertEquals(failures.length, 1);
});
