import { assert, assertEquals } from "@std/assert";

import { Validator } from "@seriousme/openapi-schema-validator";

import { documentOf, startStockAgent } from "./stock_agent.ts";

Deno.test("the API document is valid OpenAPI 3.1", async () => {
  await using stock = await startStockAgent();

  const document = await documentOf(stock.agent);

  const validator = new Validator();
  assertEquals(await validator.validate(structuredClone(document)), { valid: true });
  assertEquals(validator.version, "3.1");
});

Deno.test("the validator refuses a document that is wrong", async () => {
  await using stock = await startStockAgent();
  const document = await documentOf(stock.agent);

  const { valid } = await new Validator().validate({ ...document, paths: { "/x": { get: { responses: 1 } } } });

  assertEquals(valid, false);
});

Deno.test("the API document describes every route of every plugin, and no other", async () => {
  await using stock = await startStockAgent();
  const { paths } = await documentOf(stock.agent);
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
  );

  const registered = stock.agent.agent.plugins().flatMap(({ routes }) => routes)
    .map((route) => route.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}"))
    // A route for any method answers those that are described.
    .flatMap((route) => route.startsWith("ALL ") ? described.filter((it) => it.endsWith(route.slice(3))) : [route]);
  const core = ["GET /", "GET /healthz", "GET /readyz", "GET /metrics", "GET /debug/prometheus", "GET /auth/{code}"]
    .concat("GET /api/v0/info", "GET /api/v0/status", "GET /api/v0/logs", "GET /api/v0/openapi.json")
    .concat("POST /api/v0/auth/link", "POST /api/v0/reload");

  assert(registered.length > 10);
  assertEquals(described.sort(), [...registered, ...core].sort());
});

Deno.test("every operation has a name of its own", async () => {
  await using stock = await startStockAgent();
  const { paths } = await documentOf(stock.agent);

  const names = Object.values(paths).flatMap((operations) => Object.values(operations)).map((it) => it.operationId);

  assertEquals(new Set(names).size, names.length);
});

Deno.test("every reference in the API document leads somewhere", async () => {
  await using stock = await startStockAgent();
  const document = await documentOf(stock.agent);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);

  const dangling = references.filter((path) =>
    path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document) ===
      undefined
  );

  assert(references.length > 10);
  assertEquals(dangling, []);
});

Deno.test("a plugin that does not run is not described", async () => {
  await using stock = await startStockAgent();
  await stock.agent.crash("agentgit");

  const { paths } = await documentOf(stock.agent);

  assertEquals(Object.keys(paths).filter((path) => path.startsWith("/api/v0/git")), []);
  assert("/api/v0/read-file" in paths);
});
