/**
 * Requests made from the API document: what it allows is never refused for its form, what it forbids always is.
 *
 * Runs 1,000 requests times `OUTPOST_TEST_SCALE`. Children find no program but the shell, and files stay in one folder.
 *
 * @module
 */
import { assert } from "@std/assert";

import fc from "fast-check";

import type { ApiDocument, DocumentObject } from "../../core/http/api_document.ts";
import type { TestAgent } from "../../core/testing/mod.ts";
import { answerChecker } from "./answer_schema.ts";
import { allowed, forbidden, type SchemaContext } from "./schema_arbitrary.ts";
import { documentOf, startStockAgent } from "./stock_agent.ts";

const RUNS = 1_000 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: DocumentObject;
  }[];
  readonly body?: DocumentObject;
  readonly takesBytes: boolean;
  readonly statuses: readonly number[];
  /** What is wrong with an answer, by the document. */
  readonly check: (status: number, body: unknown) => string | undefined;
}

interface Asked {
  readonly operation: Operation;
  readonly values: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Ends in time: everything but sockets, and streams of processes that may not end. */
function operationsOf(document: ApiDocument): Operation[] {
  const { paths } = document;
  const checkAnswer = answerChecker(document);
  // The Model Context Protocol has error bodies of its own, and streams without end.
  const own = Object.entries(paths).filter(([path]) => path !== "/api/v0/mcp");
  return own.flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, it]) => !("x-websocket" in it)).map(([method, it]) => {
      const content = (it.requestBody as { content: Record<string, { schema?: DocumentObject }> } | undefined)?.content;
      return {
        path,
        method: method.toUpperCase(),
        parameters: (it.parameters ?? []) as Operation["parameters"],
        body: content?.["application/json"]?.schema,
        takesBytes: content !== undefined && !("application/json" in content),
        statuses: Object.keys(it.responses as object).map(Number),
        check: (status: number, body: unknown) => checkAnswer(it, status, body),
      };
    })
  );
}

/** Commands and directories would run and name anything; what is left is as free as the document says. */
function harmless(body: unknown, home: string): unknown {
  if (typeof body !== "object" || body === null || !("command" in body)) return body;
  return {
    ...body,
    command: `: ${encodeURIComponent(String(body.command).toWellFormed())}`,
    args: null,
    workdir: home,
  };
}

function valuesFor(operation: Operation, context: SchemaContext): fc.Arbitrary<Record<string, unknown>> {
  const named = operation.parameters.filter((parameter) => parameter.in !== "header");
  return fc.record(Object.fromEntries(named.map(({ name, schema }) => [name, allowed(schema, context)])), {
    requiredKeys: named.filter((parameter) => parameter.required).map(({ name }) => name),
  });
}

async function ask(agent: TestAgent, { operation, values, body }: Asked): Promise<Response> {
  const named = (place: string) => operation.parameters.filter((parameter) => parameter.in === place);
  const path = named("path").reduce(
    (filled, { name }) => filled.replace(`{${name}}`, encodeURIComponent(String(values[name]).toWellFormed())),
    operation.path,
  );
  const query = new URLSearchParams();
  for (const { name } of named("query")) if (name in values) query.set(name, String(values[name]));
  const init: RequestInit = { method: operation.method };
  if (operation.body) init.body = JSON.stringify(body);
  else if (operation.takesBytes) init.body = "bytes";
  return await agent.fetch(`${path}?${query}`, init);
}

/** Statuses from 500 on are allowed where the document lists them, and never as an unexpected error. */
async function check(response: Response, asked: Asked): Promise<{ readonly code?: string }> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  if (response.status < 400 && !isJson) {
    // Streams need not end.
    await response.body?.cancel();
    return {};
  }
  const text = await response.text();
  const told = () =>
    `${asked.operation.method} ${asked.operation.path} ${JSON.stringify(asked)}: ${response.status} ${text}`;
  if (!isJson) throw new Error(told());
  const body = JSON.parse(text) as { readonly message?: string; readonly code?: string };
  const wrong = asked.operation.check(response.status, body);
  if (wrong !== undefined) throw new Error(`${wrong}\n${told()}`);
  if (response.status < 400) return {};
  if (asked.operation.path === "/readyz") return body;
  assert(typeof body.message === "string" && typeof body.code === "string", told());
  assert(body.code !== "internal", told());
  assert(response.status < 500 || asked.operation.statuses.includes(response.status), told());
  return body;
}

async function withApi(use: (agent: TestAgent, operations: Operation[], context: SchemaContext) => Promise<void>) {
  await using stock = await startStockAgent();
  const document = await documentOf(stock.agent);
  const place = (text: string) => `${stock.home}/${encodeURIComponent(text.toWellFormed()).slice(0, 60)}`;
  await use(stock.agent, operationsOf(document), { schemas: document.components.schemas, place });
}

Deno.test("a request that the document allows is not refused for its form, and never fails unexpectedly", () =>
  withApi(async (agent, operations, context) => {
    const requests = fc.constantFrom(...operations).chain((operation): fc.Arbitrary<Asked> =>
      fc.record({
        operation: fc.constant(operation),
        values: valuesFor(operation, context),
        body: operation.body ? allowed(operation.body, context) : fc.constant(undefined),
      })
    );

    await fc.assert(
      fc.asyncProperty(requests, async (generated) => {
        const asked = { ...generated, body: harmless(generated.body, context.place("")) };

        const { code } = await check(await ask(agent, asked), asked);

        assert(code !== "validation_failed", `${asked.operation.path}: ${JSON.stringify(asked)}`);
      }),
      { numRuns: RUNS },
    );
  }));

Deno.test("a body that the document forbids gets a 4xx with the one error body", () =>
  withApi(async (agent, operations, context) => {
    const withBodies = operations.filter(({ body }) => body !== undefined && forbidden(body, context) !== undefined);
    const requests = fc.constantFrom(...withBodies).chain((operation): fc.Arbitrary<Asked> =>
      fc.record({
        operation: fc.constant(operation),
        values: valuesFor(operation, context),
        body: forbidden(operation.body!, context)!,
      })
    );

    await fc.assert(
      fc.asyncProperty(requests, async (asked) => {
        const response = await ask(agent, asked);
        const { code } = await check(response, asked);

        assert(code !== undefined && response.status < 500, `${asked.operation.path}: ${JSON.stringify(asked)}`);
      }),
      { numRuns: RUNS },
    );
  }));

Deno.test("a query that the document forbids gets a 400 that names the parameter", () =>
  withApi(async (agent, operations, context) => {
    const wrong: Readonly<Record<string, readonly string[]>> = { integer: ["-1", "x", "1.5"], boolean: ["2", "yes"] };
    const typed = operations.flatMap((operation) =>
      operation.parameters.filter((it) => it.in === "query" && String(it.schema.type) in wrong)
        .map((parameter) => ({ operation, parameter }))
    );
    // Only where the rest of the request is known to be good: a process would have to be there.
    const checked = typed.filter(({ operation }) => !operation.path.includes("{"));
    assert(checked.length > 5);
    const requests = fc.constantFrom(...checked).chain(({ operation, parameter }) =>
      fc.record({
        operation: fc.constant(operation),
        name: fc.constant(parameter.name),
        values: valuesFor(operation, context),
        text: fc.constantFrom(...wrong[String(parameter.schema.type)]!),
      })
    );

    await fc.assert(
      fc.asyncProperty(requests, async ({ operation, name, values, text }) => {
        const response = await ask(agent, { operation, values: { ...values, [name]: text }, body: {} });
        const { code, validations } = await response.json();

        assert(response.status === 400 && code === "validation_failed");
        assert(validations.some(({ field }: { field: string }) => field === name), JSON.stringify(validations));
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  }));
