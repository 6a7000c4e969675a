import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { readEvents } from "../../../client/event_stream.ts";
import { type ServerProcess, startServer } from "../server_process.ts";

/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;

/** One answer of the Messages API, streamed. */
function answer(blocks: readonly Readonly<Record<string, unknown>>[], stopReason: string): Response {
  const events: readonly (readonly [string, unknown])[] = [
    ["message_start", { message: { usage: { input_tokens: 1 } } }],
    ...blocks.map((content_block, index) => ["content_block_start", { index, content_block }] as const),
    ["message_delta", { delta: { stop_reason: stopReason }, usage: { output_tokens: 1 } }],
    ["message_stop", {}],
  ];
  const text = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

async function post<T>({ http, token }: ServerProcess, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${http}/api/experimental/chats${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return await response.json();
}

/** Resolves to the chat once its status is the wanted one. */
async function untilStatus({ http, token }: ServerProcess, id: string, wanted: string) {
  const response = await fetch(`${http}/api/experimental/chats/${id}/stream`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  for await (const { event, data } of readEvents(response.body!)) {
    if (event === "chat" && JSON.parse(data).status === wanted) return JSON.parse(data);
  }
}

Deno.test("a chat with the API's model survives that the control plane is killed in the middle of an answer", async () => {
  const dir = await Deno.makeTempDir();
  const asked = Promise.withResolvers<void>();
  // deno-lint-ignore no-explicit-any -- what was sent is what is tested
  const requests: any[] = [];
  const call = { type: "tool_use", id: "toolu_1", name: "execute", input: { command: "true" } };
  await using api = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    requests.push({ key: request.headers.get("x-api-key"), ...await request.json() });
    if (requests.length === 1) return answer([{ type: "text", text: "Let me see" }, call], "tool_use");
    if (requests.length === 3) return answer([{ type: "text", text: "As I said" }], "end_turn");
    asked.resolve();
    return new Response(new ReadableStream({})); // Silent until it is cut.
  });
  const start = () =>
    startServer({
      args: ["--database", join(dir, "plane.db"), "--model", "claude-test"],
      env: { ANTHROPIC_API_KEY: "key", ANTHROPIC_BASE_URL: `http://127.0.0.1:${api.addr.port}` },
    });

  const first = await start();
  const { id } = await post<{ readonly id: string }>(first, "", { prompt: "go", agent: "dev" });
  await asked.promise;
  await first.end("SIGKILL");
  {
    await using second = await start();
    const stopped = await untilStatus(second, id, "error");
    await post(second, `/${id}/messages`, { text: "Go on" });
    await untilStatus(second, id, "waiting");
    const { messages } = await second.ask<{ readonly messages: readonly { readonly role: string }[] }>(
      `/api/experimental/chats/${id}/messages`,
    );

    assertMatch(stopped.last_error, /restarted/);
    assertEquals(messages.map(({ role }) => role), ["user", "assistant", "tool", "user", "assistant"]);
  }

  assertEquals(requests.map(({ key, model }) => [key, model]), Array(3).fill(["key", "claude-test"]));
  // The last request tells everything that was said before the end, and the result of the call.
  const [, said, results] = requests[2].messages;
  assertEquals(said.content, [{ type: "text", text: "Let me see" }, call]);
  assertMatch(results.content[0].content, /disconnected/);
  assertEquals(results.content[1].text, "Go on");
  await Deno.remove(dir, { recursive: true });
});
