/**
 * Every route the agent says it has, asked over TCP by those who may not: whatever a plugin adds is behind the same door.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { startAgent } from "../agent_process.ts";

/** Routes for everybody: a probe, and the link that a browser signs in with. */
const OPEN = ["GET /auth/{code}", "GET /healthz"];
const WRONG_TOKEN = "Bearer 0000000000000000000000000000000000000000000";
const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

interface Route {
  readonly method: string;
  readonly path: string;
  readonly isOpen: boolean;
  readonly isWebSocket: boolean;
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly security?: readonly unknown[]; "x-websocket"?: unknown }>>;
}

Deno.test("every route of the stock agent refuses callers over TCP who may not ask", async (t) => {
  await using agent = await startAgent();
  const routes = routesOf(await (await agent.fetch("/api/v0/openapi.json")).json());
  const { host, port } = new URL(agent.http);
  const token = { authorization: `Bearer ${agent.token}` };

  /** What differs from `[status, code]`, by route, when each of `asked` gets `headers`. */
  async function wrongAnswers(
    asked: readonly Route[],
    [status, code]: readonly [number, string],
    headers: Readonly<Record<string, string>>,
  ): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const route of asked) {
      const answer = await ask(Number(port), route, { host, ...headers });
      const problem = differenceFromProblem(answer, status, code);
      if (problem !== undefined) wrong.push(`${nameOf(route)}: ${problem}`);
    }
    return wrong;
  }

  const closed = routes.filter(({ isOpen }) => !isOpen);
  const webSockets = routes.filter(({ isWebSocket }) => isWebSocket);

  await t.step("the document names routes of plugins, WebSockets, and only two open ones", () => {
    assert(routes.length > 25);
    assert(webSockets.length >= 2);
    assertEquals(routes.filter(({ isOpen }) => isOpen).map(nameOf).sort(), OPEN);
  });

  await t.step("401 without a token", async () => {
    assertEquals(await wrongAnswers(closed, [401, "unauthorized"], {}), []);
  });

  await t.step("401 with a wrong token", async () => {
    assertEquals(await wrongAnswers(closed, [401, "unauthorized"], { authorization: WRONG_TOKEN }), []);
  });

  await t.step("403 for a foreign Host, with the token, also on the open ones", async () => {
    const foreign = { ...token, host: `rebound.example:${port}` };
    assertEquals(await wrongAnswers(routes, [403, "forbidden_host"], foreign), []);
  });

  await t.step("403 for a page of another origin, with the token, also on the open ones", async () => {
    const foreign = { ...token, origin: "http://page.example" };
    assertEquals(await wrongAnswers(routes, [403, "forbidden_origin"], foreign), []);
  });

  await t.step("no upgrade of a WebSocket without a token, or for a page of another origin", async () => {
    assertEquals(await wrongAnswers(webSockets, [401, "unauthorized"], UPGRADE), []);
    const foreign = { ...token, ...UPGRADE, origin: "http://page.example" };
    assertEquals(await wrongAnswers(webSockets, [403, "forbidden_origin"], foreign), []);
  });

  await t.step("401 tells nobody without a token which routes there are", async () => {
    const none: Route = { method: "GET", path: "/api/v0/nothing", isOpen: false, isWebSocket: false };
    assertEquals(await wrongAnswers([none], [401, "unauthorized"], {}), []);
    assertEquals(await wrongAnswers([none], [404, "not_found"], token), []);
  });

  await t.step("the open ones answer without a token", async () => {
    const health = await ask(Number(port), { method: "GET", path: "/healthz" }, { host });
    assertEquals([health.status, health.body.trim()], [200, `{"status":"ok"}`]);
    // A code that was never given out leads nowhere.
    const link = await ask(Number(port), { method: "GET", path: "/auth/{code}" }, { host });
    assertEquals(link.status, 410);
  });
});

function routesOf({ paths }: Document): readonly Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      isOpen: operation.security?.length === 0,
      isWebSocket: "x-websocket" in operation,
    }))
  );
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** Speaks HTTP by hand: `fetch` writes `Host` itself and does not upgrade. */
async function ask(
  port: number,
  { method, path }: Pick<Route, "method" | "path">,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const target = path.replace(/\{\w+\}/g, "some");
  // An upgrade is a GET without a body, not even an empty one.
  const length = "upgrade" in headers ? {} : { "content-length": "0" };
  const lines = Object.entries({ connection: "close", ...length, ...headers });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = [`${method} ${target} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""];
  await connection.write(new TextEncoder().encode(request.join("\r\n")));

  let text = "";
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(16 * 1024);
  // A refused upgrade leaves the connection open, so the answer's own length says when it is complete.
  while (!isComplete(text)) {
    const count = await connection.read(chunk);
    if (count === null) break;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head: head.toLowerCase(), body };
}

function isComplete(text: string): boolean {
  const border = text.indexOf("\r\n\r\n");
  if (border < 0) return false;
  if (/^HTTP\/1\.1 101/.test(text)) return true;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, border))?.[1];
  return length !== undefined && new TextEncoder().encode(text.slice(border + 4)).length >= Number(length);
}

/** `undefined` when the answer is the one error body with this status and code. */
function differenceFromProblem({ status, head, body }: Answer, wanted: number, code: string): string | undefined {
  if (status !== wanted) return `answered ${status} instead of ${wanted}: ${body}`;
  if (!head.includes("content-type: application/json")) return `is not JSON: ${head}`;
  const problem = JSON.parse(body) as Record<string, unknown>;
  if (problem.code !== code) return `has the code ${problem.code} instead of ${code}`;
  const isWhole = typeof problem.message === "string" && typeof problem.requestId === "string" &&
    problem.message !== "" && problem.requestId !== "";
  return isWhole ? undefined : `lacks a message or a request id: ${body}`;
}
