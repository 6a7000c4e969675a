import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import type { Clock } from "../../../core/plugin.ts";
import { VirtualClock } from "../../../core/testing/mod.ts";
import { anthropicModel, type AnthropicOptions } from "./anthropic_model.ts";
import { ModelError, type ModelRequest } from "./model.ts";

const never = new AbortController().signal;
/** As long as an answer may be silent. */
const SILENCE_MS = 120_000;
const REQUEST: ModelRequest = {
  system: "Be brief",
  messages: [
    { role: "user", content: [{ type: "text", text: "Read a.txt" }] },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "read_file", input: { path: "/a.txt" } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "one" }] },
  ],
  tools: [{ name: "read_file", description: "Reads", input_schema: { type: "object" } }],
};

interface Seen {
  readonly path: string;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- what was sent is what is tested
  readonly body: any;
}
type Answer = (request: Request) => Response | Promise<Response>;

/** A stand-in for the API: it checks what every request must have, and answers as it is told, in order. */
class Api implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...answers: readonly Answer[]) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { headers, method } = request;
      const body = await request.json();
      this.seen.push({ path: new URL(request.url).pathname, headers, body });
      const problem = method !== "POST"
        ? "method"
        : headers.get("anthropic-version") !== "2023-06-01"
        ? "anthropic-version"
        : headers.get("x-api-key") === null
        ? "x-api-key"
        : problemOf(body);
      if (problem !== undefined) return refuse(400, "invalid_request_error", problem);
      return await answers[this.seen.length - 1]!(request);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** What the API would not take. */
// deno-lint-ignore no-explicit-any -- anything may have been sent
function problemOf({ model, max_tokens, messages }: any): string | undefined {
  if (typeof model !== "string" || !Number.isInteger(max_tokens) || max_tokens < 1) return "model or max_tokens";
  if (messages[0]?.role !== "user") return "messages: the first must be the user's";
  for (const [index, { role, content }] of messages.entries()) {
    if (content.length === 0) return `messages.${index}: empty`;
    if (index > 0 && messages[index - 1].role === role) return `messages.${index}: roles must alternate`;
    for (const block of content) {
      if (block.type !== "tool_use") continue;
      const next = messages[index + 1]?.content ?? [];
      // deno-lint-ignore no-explicit-any -- as above
      if (!next.some(({ tool_use_id }: any) => tool_use_id === block.id)) return `${block.id}: without a tool_result`;
    }
  }
  return undefined;
}

function refuse(status: number, type: string, message: string, headers: HeadersInit = {}): Response {
  return Response.json({ type: "error", error: { type, message } }, { status, headers });
}

/** A streamed answer, in pieces that are cut anywhere. */
function stream(...events: readonly (readonly [name: string, data: unknown])[]): Response {
  const text = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  const bytes = new TextEncoder().encode(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.slice(at * 7, at * 7 + 7));
  return new Response(ReadableStream.from(pieces), { headers: { "content-type": "text/event-stream" } });
}

const started = ["message_start", {
  type: "message_start",
  message: { role: "assistant", usage: { input_tokens: 9 } },
}] as const;
const block = (index: number, content_block: unknown) => ["content_block_start", { index, content_block }] as const;
const delta = (index: number, delta: unknown) => ["content_block_delta", { index, delta }] as const;
const over = (stop_reason: string) =>
  [
    ["message_delta", { delta: { stop_reason }, usage: { output_tokens: 5 } }],
    ["message_stop", { type: "message_stop" }],
  ] as const;
/** An answer of some words. */
const words = (text: string, stopReason = "end_turn") =>
  stream(
    started,
    block(0, { type: "text", text: "" }),
    ...[...text].map((char) => delta(0, { type: "text_delta", text: char })),
    ["content_block_stop", { index: 0 }],
    ...over(stopReason),
  );

const modelOf = (api: Api, more: Partial<AnthropicOptions> = {}) =>
  anthropicModel({ model: "claude-test", apiKey: "key", baseUrl: api.url, jitter: () => 1, ...more });

/** Pauses that are over at once and written down; the watch over a silent answer, which is longer, never fires. */
function impatientClock(): Clock & { readonly pauses: readonly number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    now: () => 0,
    sleep(ms, signal) {
      if (ms < SILENCE_MS) return Promise.resolve(void pauses.push(ms));
      return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
    },
  };
}

Deno.test("a request has model, key, version, system, tools and the conversation, marked where it may be cached", async () => {
  await using api = new Api(() => words("Done"));

  await modelOf(api, { betas: ["a", "b"], baseUrl: `${api.url}/gateway/`, maxTokens: 99 }).reply(REQUEST, never);

  const [{ path, headers, body }] = api.seen as [Seen];
  assertEquals(path, "/gateway/v1/messages");
  assertEquals([headers.get("x-api-key"), headers.get("anthropic-beta")], ["key", "a,b"]);
  const cache_control = { type: "ephemeral" };
  const [first, second, last] = REQUEST.messages;
  assertEquals(body, {
    ...{ model: "claude-test", max_tokens: 99, stream: true, tools: REQUEST.tools },
    system: [{ type: "text", text: "Be brief", cache_control }],
    messages: [first, second, { role: "user", content: [{ ...last!.content[0], cache_control }] }],
  });
});

Deno.test("the feature that a tool of the provider belongs to is asked for, once", async () => {
  await using api = new Api(...Array(3).fill(() => words("Done")));
  const computer = { type: "computer_20251124", name: "computer", display_width_px: 1280, display_height_px: 720 };

  await modelOf(api).reply({ ...REQUEST, tools: [...REQUEST.tools, computer] }, never);
  await modelOf(api, { betas: ["computer-use-2025-11-24"] }).reply({ ...REQUEST, tools: [computer] }, never);
  await modelOf(api).reply(REQUEST, never);

  const asked = api.seen.map(({ headers }) => headers.get("anthropic-beta"));
  assertEquals(asked, ["computer-use-2025-11-24", "computer-use-2025-11-24", null]);
  assertEquals((api.seen[0]!.body as { readonly tools: unknown[] }).tools.at(-1), computer);
});

Deno.test("an answer is put together from its pieces: words, thoughts and calls of tools", async () => {
  await using api = new Api(() =>
    stream(
      started,
      ["ping", { type: "ping" }],
      block(0, { type: "thinking", thinking: "", signature: "" }),
      delta(0, { type: "thinking_delta", thinking: "Hm" }),
      delta(0, { type: "signature_delta", signature: "c2ln" }),
      block(1, { type: "text", text: "" }),
      delta(1, { type: "text_delta", text: "Grüße " }),
      delta(1, { type: "text_delta", text: "🙂" }),
      block(2, { type: "tool_use", id: "toolu_2", name: "execute", input: {} }),
      delta(2, { type: "input_json_delta", partial_json: '{"command": ' }),
      delta(2, { type: "input_json_delta", partial_json: '"ls"}' }),
      block(3, { type: "tool_use", id: "toolu_3", name: "process_list", input: {} }),
      block(4, { type: "text", text: "" }),
      ["something_new", { any: "thing" }],
      delta(2, { type: "something_new" }),
      ...over("tool_use"),
    )
  );

  const reply = await modelOf(api).reply(REQUEST, never);

  assertEquals(reply, {
    content: [
      { type: "thinking", thinking: "Hm", signature: "c2ln" },
      { type: "text", text: "Grüße 🙂" },
      { type: "tool_use", id: "toolu_2", name: "execute", input: { command: "ls" } },
      { type: "tool_use", id: "toolu_3", name: "process_list", input: {} },
    ],
    stopReason: "tool_use",
    usage: { inputTokens: 9, outputTokens: 5 },
  });
});

Deno.test("a refusal and an answer that is cut come with their reason", async () => {
  const cut = () =>
    stream(
      started,
      block(0, { type: "tool_use", id: "toolu_2", name: "write_file", input: {} }),
      delta(0, { type: "input_json_delta", partial_json: '{"path": "/a' }),
      ...over("max_tokens"),
    );
  await using api = new Api(() => words("No", "refusal"), cut);

  const refused = await modelOf(api).reply(REQUEST, never);
  const short = await modelOf(api).reply(REQUEST, never);

  assertEquals([refused.stopReason, short.stopReason], ["refusal", "max_tokens"]);
  assertEquals(short.content, [{ type: "tool_use", id: "toolu_2", name: "write_file", input: {} }]);
});

Deno.test("limits and overload are waited for, as long as the API says or twice as long each time", async () => {
  const clock = impatientClock();
  await using api = new Api(
    () => refuse(429, "rate_limit_error", "slow down", { "retry-after": "7" }),
    () => refuse(529, "overloaded_error", "Overloaded"),
    () => refuse(503, "error", "down"),
    () => stream(started, ["error", { error: { type: "overloaded_error", message: "Overloaded" } }]),
    () => stream(started),
    () => words("At last"),
  );

  const reply = await modelOf(api, { clock }).reply(REQUEST, never);

  assertEquals(reply.content, [{ type: "text", text: "At last" }]);
  assertEquals(clock.pauses, [7_000, 2_000, 4_000, 8_000, 16_000]);
});

Deno.test("what does not pass is reported at once, and what does after the sixth time", async () => {
  const clock = impatientClock();
  await using bad = new Api(() => refuse(401, "authentication_error", "invalid x-api-key"));
  await using long = new Api(() => refuse(429, "rate_limit_error", "tomorrow", { "retry-after": "86400" }));
  await using full = new Api(...Array.from({ length: 6 }, () => () => refuse(529, "overloaded_error", "Overloaded")));
  const failure = (api: Api) => assertRejects(() => modelOf(api, { clock }).reply(REQUEST, never), ModelError);

  assertEquals(
    (await failure(bad)).message,
    'The model "claude-test" cannot answer: 401 authentication_error: invalid x-api-key',
  );
  assertStringIncludes((await failure(long)).message, "429 rate_limit_error: tomorrow");
  assertStringIncludes((await failure(full)).message, "529 overloaded_error: Overloaded");
  assertEquals([bad.seen.length, long.seen.length, full.seen.length], [1, 1, 6]);
});

Deno.test("an API that is not there is tried again and then reported; what answers instead of it is shown", async () => {
  const clock = impatientClock();
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr;
  server.close();
  await using proxy = new Api(() => new Response("<html>Forbidden</html>", { status: 403 }));
  const gone = anthropicModel({ model: "m", apiKey: "k", baseUrl: `http://127.0.0.1:${port}`, clock });

  const missing = await assertRejects(() => gone.reply(REQUEST, never), ModelError);
  const other = await assertRejects(() => modelOf(proxy, { clock }).reply(REQUEST, never), ModelError);

  assertEquals(clock.pauses.length, 5);
  assertStringIncludes(missing.message, 'The model "m" cannot be reached');
  assertStringIncludes(other.message, "403 error: <html>Forbidden</html>");
});

Deno.test("an answer that falls silent is given up and asked for again", async () => {
  const clock = new VirtualClock();
  const asked = Promise.withResolvers<void>();
  await using api = new Api(
    () => {
      asked.resolve();
      return new Response(new ReadableStream({}));
    },
    () => words("Again"),
  );

  const reply = modelOf(api, { clock }).reply(REQUEST, never);
  await asked.promise;
  await clock.advance(SILENCE_MS);
  await clock.untilSleeping(1);
  await clock.advance(1_000);

  assertEquals((await reply).content, [{ type: "text", text: "Again" }]);
});

Deno.test("an abort ends an answer in the middle and a pause between attempts", async () => {
  const clock = new VirtualClock();
  const [first, second] = [new AbortController(), new AbortController()];
  const refused = Promise.withResolvers<void>();
  await using api = new Api(
    () => new Response(new ReadableStream({ start: () => first.abort(new Error("enough")) })),
    () => {
      refused.resolve();
      return refuse(529, "overloaded_error", "Overloaded");
    },
  );

  await assertRejects(() => modelOf(api, { clock }).reply(REQUEST, first.signal), Error, "enough");
  const waiting = modelOf(api, { clock }).reply(REQUEST, second.signal);
  waiting.catch(() => {}); // Looked at below.
  await refused.promise;
  await clock.untilSleeping(1);
  second.abort(new Error("enough"));

  await assertRejects(() => waiting, Error, "enough");
  assertEquals(clock.sleeping, 0);
});
