/**
 * Every operation of the API document, called once on a live agent; what it answers is held to its schema.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import type { DocumentObject } from "../../core/http/api_document.ts";
import type { TestAgent } from "../../core/testing/mod.ts";
import { GitRepo } from "../fixtures/git_repo.ts";
import { answerChecker } from "./answer_schema.ts";
import { documentOf, startStockAgent } from "./stock_agent.ts";

/** How an operation is called. */
interface Call {
  readonly query?: Readonly<Record<string, string>>;
  readonly path?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default 200. */
  readonly status?: number;
}

/** What the calls refer to. */
interface Scene {
  readonly home: string;
  /** A process that runs until it is killed. */
  readonly process: string;
  /** A repository with a file that was changed. */
  readonly repo: string;
}

/** Operations that answer with JSON. One that is missing here, or too much, fails the test. */
const CALLS: Readonly<Record<string, (scene: Scene) => Call>> = {
  greeting: () => ({}),
  health: () => ({}),
  readiness: () => ({}),
  info: () => ({}),
  status: () => ({}),
  openapi: () => ({}),
  // The agent of this test has no address that a browser could open.
  "auth.link": () => ({ status: 409 }),
  "auth.redeem": () => ({ path: { code: "unknown" }, status: 410 }),
  "controlplane.gitSshKey": () => ({ status: 503 }),
  "controlplane.externalAuth": () => ({ query: { match: "https://example.org" }, status: 503 }),
  "git.show": ({ repo }) => ({ query: { repo_root: repo, path: "tracked.txt" } }),
  "git.status": ({ repo }) => ({ query: { path: repo } }),
  "git.diff": ({ repo }) => ({ query: { path: repo } }),
  "processes.start": () => ({ body: { command: "echo one; echo two" } }),
  "processes.list": () => ({}),
  "processes.byToken": () => ({ path: { token: "mine" } }),
  "processes.output": ({ process }) => ({ path: { id: process } }),
  "processes.signal": ({ process }) => ({ path: { id: process }, body: { signal: "kill" } }),
  "processes.stdin": ({ process }) => ({ path: { id: process }, body: "typed", status: 409 }),
  "files.list": () => ({ body: { path: [], relativity: "home" } }),
  "files.lines": ({ home }) => ({ query: { path: `${home}/a.txt` } }),
  "files.write": ({ home }) => ({ query: { path: `${home}/b.txt` }, body: "written" }),
  "files.edit": ({ home }) => ({
    body: {
      files: [{ path: `${home}/a.txt`, edits: [{ search: "first", replace: "1st" }] }],
      include_diff: true,
    },
  }),
  "files.resolve": ({ home }) => ({ query: { path: `${home}/a.txt` } }),
  "units.list": () => ({}),
  "ports.list": () => ({}),
  // An action without a name; nothing is shown for it.
  "desktop.act": () => ({ body: {}, status: 400 }),
  "desktop.lease": () => ({}),
  "desktop.take": () => ({ body: { name: "A tester" } }),
  "desktop.handBack": () => ({ body: {} }),
  // This agent was given its configuration, and has none to read again.
  reload: () => ({ status: 409 }),
  "mcp.tools": () => ({}),
  "mcp.callTool": ({ home }) => ({
    body: { tool_name: "outpost__list_directory", arguments: { path: home } },
  }),
  // It names no app.
  "mcp.taskEvent": () => ({ body: { state: "idle" }, status: 400 }),
};

Deno.test("every operation that answers with JSON answers as the API document describes", async (t) => {
  await using stock = await startStockAgent();
  await using repo = await GitRepo.create({ "tracked.txt": "before\n" });
  await Deno.writeTextFile(repo.path("tracked.txt"), "after\n");
  const { agent, home } = stock;
  await Deno.writeTextFile(`${home}/a.txt`, "first\nsecond\n");
  const started = await agent.post("/api/v0/processes/start", { command: "sleep 600", client_token: "mine" });
  const scene = { home, process: (await started.json()).id as string, repo: repo.root };
  const document = await documentOf(agent);
  const check = answerChecker(document);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, it]) => answersJson(it)).map(([method, it]) => ({ path, method, it }))
  );

  assertEquals(operations.map(({ it }) => String(it.operationId)).sort(), Object.keys(CALLS).sort());
  // What ends the process comes last.
  operations.sort((a, b) =>
    Number(a.it.operationId === "processes.signal") - Number(b.it.operationId === "processes.signal")
  );
  for (const { path, method, it } of operations) {
    await t.step(String(it.operationId), async () => {
      const call = CALLS[String(it.operationId)]!(scene);
      const response = await send(agent, path, method, call);
      const text = await response.text();

      assertEquals(response.status, call.status ?? 200, text);
      assertEquals(check(it, response.status, JSON.parse(text)), undefined, text);
    });
  }
});

Deno.test("the check of answers finds a member that is missing, of another type, or not described", async () => {
  await using stock = await startStockAgent();
  const document = await documentOf(stock.agent);
  const check = answerChecker(document);
  const health = document.paths["/healthz"]!.get!;
  const body = await (await stock.agent.get("/api/v0/info")).json();
  const info = document.paths["/api/v0/info"]!.get!;

  assertEquals(check(info, 200, body), undefined);
  assert(check(info, 200, { ...body, name: 7 })?.includes("name"));
  assert(check(info, 200, { ...body, plugins: undefined })?.includes("plugins"));
  assertEquals(check(health, 201, {}), "201 is not described");
});

/** Whether the answer that is meant is JSON, and ends. */
function answersJson(operation: DocumentObject): boolean {
  if ("x-websocket" in operation) return false;
  const described = Object.entries(operation.responses as Record<string, { content?: Record<string, unknown> }>)
    .filter(([status]) => Number(status) < 400 && status !== "304");
  // A redirect is the meant answer of one; its refusals are JSON.
  return described.every(([status, { content = {} }]) => status === "303" || "application/json" in content);
}

async function send(agent: TestAgent, path: string, method: string, call: Call): Promise<Response> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(call.path?.[name] ?? ""));
  const query = new URLSearchParams(call.query);
  const target = query.size === 0 ? filled : `${filled}?${query}`;
  if (method === "post") return await agent.post(target, call.body);
  return await agent.fetch(target, { method: method.toUpperCase() });
}
