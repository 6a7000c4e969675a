import { assertEquals } from "@std/assert";

import type { Gauge, Logger, NoLabels } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import { mcpConfig } from "./config.ts";
import type { SessionEnd } from "./mcp_metrics.ts";
import { McpSessions } from "./sessions.ts";

const URL = "http://localhost/api/v0/mcp";
const ACCEPT = { accept: "application/json, text/event-stream", "content-type": "application/json" };
const INITIALIZE = JSON.stringify({
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
});
const LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Sessions of a plugin that has no tools, and why each ended. */
function setUp() {
  const ended: SessionEnd[] = [];
  const gauge = {} as Gauge<NoLabels>;
  const sessions = new McpSessions({
    version: "0.0.0",
    workspace: () => ({}) as never,
    config: mcpConfig.parse({}),
    clock: new VirtualClock(),
    log: LOG,
    metrics: {
      calls: { inc() {}, add() {} },
      ended: { inc: ({ reason }) => void ended.push(reason), add() {} },
      sessions: gauge,
    },
  });
  return { sessions, ended };
}

/** A request that begins a session, whose body has not come yet. */
function beginning() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  return {
    request: new Request(URL, { method: "POST", headers: ACCEPT, body: readable }),
    async say(): Promise<void> {
      await writer.write(new TextEncoder().encode(INITIALIZE));
      await writer.close();
    },
  };
}

Deno.test("McpSessions ends a session that begins while they close, and its stream with it", async () => {
  const { sessions, ended } = setUp();
  const late = beginning();
  const answering = sessions.handle(late.request);

  await sessions.close();
  await late.say();
  const answer = await answering;
  const id = answer.headers.get("mcp-session-id")!;
  await answer.text();
  const after = await sessions.handle(
    new Request(URL, { headers: { accept: "text/event-stream", "mcp-session-id": id } }),
  );

  assertEquals([id.length > 0, sessions.size, ended], [true, 0, ["stop"]]);
  assertEquals([after.status, (await after.json()).error.message], [404, "Session not found"]);
});
