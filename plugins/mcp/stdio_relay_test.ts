import { assertEquals } from "@std/assert";

import { createTestAgent } from "../../core/testing/mod.ts";
import mcp from "./mod.ts";
import { StdioRelay } from "./stdio_relay.ts";

const INITIALIZE = {
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

Deno.test("StdioRelay opens a new session when the agent was restarted", async () => {
  await using agent = await createTestAgent({ plugins: [mcp] });
  const answers: { readonly id: number; readonly result?: unknown }[] = [];
  const warnings: string[] = [];
  const relay = new StdioRelay({
    agent: { socketPath: "/none", fetch: (path, init) => agent.fetch(path, init) },
    write: (line) => Promise.resolve(void answers.push(JSON.parse(line))),
    warn: (text) => void warnings.push(text),
  });
  await relay.take(JSON.stringify(INITIALIZE));
  await relay.idle();

  await agent.restart();
  await relay.take(JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" }));
  await relay.idle();
  await relay.close();

  assertEquals(answers.map(({ id, result }) => [id, result !== undefined]), [[1, true], [2, true]]);
  assertEquals(warnings, ["The agent was restarted; a new session was opened"]);
});

Deno.test("StdioRelay answers what is no JSON, and what the agent cannot be asked", async () => {
  const answers: { readonly id: number; readonly error: { readonly code: number } }[] = [];
  const relay = new StdioRelay({
    agent: { socketPath: "/none", fetch: () => Promise.reject(new TypeError("connection refused")) },
    write: (line) => Promise.resolve(void answers.push(JSON.parse(line))),
    warn: () => {},
  });

  await relay.take("{");
  await relay.take("null");
  await relay.take("[]");
  await relay.take(JSON.stringify(INITIALIZE));
  await relay.idle();
  await relay.close();

  assertEquals(answers.map(({ id, error }) => [id, error.code]), [[null, -32700], [null, -32600], [null, -32600], [
    1,
    -32000,
  ]]);
});

Deno.test("StdioRelay says so when an answer cannot be written, and waits no more for it", async () => {
  await using agent = await createTestAgent({ plugins: [mcp] });
  const warned = Promise.withResolvers<string>();
  const relay = new StdioRelay({
    agent: { socketPath: "/none", fetch: (path, init) => agent.fetch(path, init) },
    write: () => Promise.reject(new Error("broken pipe")),
    warn: warned.resolve,
  });

  await relay.take(JSON.stringify(INITIALIZE));
  await relay.idle();

  assertEquals(await warned.promise, "The client cannot be answered: broken pipe");
  await relay.close();
});
