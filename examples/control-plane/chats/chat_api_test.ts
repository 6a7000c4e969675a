import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { readEvents } from "../../../client/event_stream.ts";
import { GitRepo } from "../../../test/fixtures/git_repo.ts";
import { parseAgentsFile } from "../agents_file.ts";
import { connectAgent } from "../connected_agent.ts";
import { type ControlPlane, startControlPlane } from "../control_plane.ts";
import type { ChatMessage } from "./chat_store.ts";
import { type Script, scriptedModel, type ScriptTurn } from "./scripted_model.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const FILE = parseAgentsFile(
  `{ "agents": [
    { "name": "dev", "owner": "ann", "workspace": "shop", "token": "${TOKEN}" },
    { "name": "away", "owner": "bob", "workspace": "bare", "token": "${crypto.randomUUID()}" }
  ] }`,
  "test",
);
/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;

const start = (scripts: readonly Script[] = [], database?: string) =>
  startControlPlane({ agents: FILE, logSink: () => {}, models: [scriptedModel(scripts)], database });
const connect = (plane: ControlPlane) => connectAgent(plane, { token: TOKEN, name: "dev" });

/** Asks below `/api/experimental/chats`. */
async function ask(plane: ControlPlane, path: string, body?: unknown, method = body ? "POST" : "GET") {
  const response = await fetch(`${plane.address}/api/experimental/chats${path}`, {
    method,
    headers: { authorization: `Bearer ${plane.token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** Follows a chat until it is idle; resolves to it and to what was said. */
async function untilIdle(plane: ControlPlane, id: string) {
  const response = await fetch(`${plane.address}/api/experimental/chats/${id}/stream`, {
    headers: { authorization: `Bearer ${plane.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  const messages: ChatMessage[] = [];
  for await (const { event, data } of readEvents(response.body!)) {
    if (event === "message") messages.push(JSON.parse(data));
    if (event !== "chat") continue;
    const chat = JSON.parse(data);
    if (chat.status === "waiting" || chat.status === "error") return { chat, messages };
  }
  throw new Error("the stream ended");
}

/** Results of tools, read as JSON where they are. */
function resultsOf(messages: readonly ChatMessage[]) {
  return messages.flatMap(({ content }) => content).flatMap((block) => {
    if (block.type !== "tool_result") return [];
    const text = String(block.content);
    return [text.startsWith("{") ? JSON.parse(text) : text];
  });
}

/** A git watch of a chat, one message after the other. */
function watch(plane: ControlPlane, path: string) {
  const url = `${plane.address.replace("http:", "ws:")}/api/experimental/chats/${path}`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${plane.token}` } });
  const messages: string[] = [];
  let wake = () => {};
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = (event) => {
      event.preventDefault();
      reject(new Error((event as ErrorEvent).message));
    };
  });
  opened.catch(() => {});
  const closed = new Promise<{ readonly code: number }>((resolve) => socket.onclose = resolve);
  socket.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  return {
    ...{ socket, opened, closed },
    /** The next message for which `isWanted` holds. */
    // deno-lint-ignore no-explicit-any -- tests look at what they expect
    async next(isWanted: (message: any) => boolean = () => true): Promise<any> {
      while (true) {
        while (messages.length === 0) await new Promise<void>((resolve) => wake = resolve);
        const message = JSON.parse(messages.shift()!);
        if (isWanted(message)) return message;
      }
    },
  };
}

Deno.test("chats are made, listed, shown, put away and brought back", async () => {
  await using plane = start();

  const made = await ask(plane, "", { title: "First", agent: "dev" });
  const { id } = made.body;
  const child = await ask(plane, "", { title: "Child", parent_chat_id: id });
  const listed = await ask(plane, "");
  const shown = await ask(plane, `/${id.toUpperCase()}`);

  assertEquals(made.status, 201);
  assertEquals([made.body.workspace, made.body.status, made.body.archived], ["ann/shop", "waiting", false]);
  assertEquals([child.body.parent_chat_id, child.body.root_chat_id, child.body.workspace], [id, id, "ann/shop"]);
  assertEquals(listed.body.chats.map(({ title }: { title: string }) => title), ["Child", "First"]);
  assertEquals(listed.body.models, ["scripted"]);
  assertEquals(shown.body.children.map(({ title }: { title: string }) => title), ["Child"]);
  assertEquals((await ask(plane, `/${id}`, { archived: true }, "PATCH")).body.archived, true);
  assertEquals((await ask(plane, "")).body.chats, []);
  assertEquals((await ask(plane, "?archived=true")).body.chats.length, 2);
  assertEquals((await ask(plane, `/${id}`, { archived: false }, "PATCH")).body.archived, false);
  assertEquals((await ask(plane, `?parent=${id}`)).body.chats.length, 1);
});

Deno.test("what is wrong with a request for a chat is said, and nothing is made", async () => {
  await using plane = start();

  const answers = [
    await ask(plane, "", { agent: "nobody" }),
    await ask(plane, "", { workspace: "ann/nothing" }),
    await ask(plane, "", { prompt: "go", model: "gone" }),
    await ask(plane, "", { name: "misspelt" }),
    await ask(plane, "", { parent_chat_id: crypto.randomUUID() }),
    await ask(plane, `/${crypto.randomUUID()}`),
    await ask(plane, "?before=1"),
  ];
  const { body: { id } } = await ask(plane, "", { title: "A" });
  const empty = await ask(plane, `/${id}/messages`, { text: " " });

  assertEquals(answers.map(({ status }) => status), [400, 400, 400, 400, 404, 404, 400]);
  assertEquals(answers[0]!.body.validations[0], { field: "agent", detail: 'there is no agent "nobody"' });
  assertEquals([empty.status, empty.body.validations[0].field], [400, "text"]);
  assertEquals((await ask(plane, "")).body.chats.length, 1);
  const without = await fetch(`${plane.address}/api/experimental/chats`);
  assertEquals([without.status, (await without.json()).code], [401, "unauthorized"]);
});

Deno.test("a chat edits files and runs commands in its agent's workspace, and its git watch shows both", async () => {
  await using repo = await GitRepo.create({ "a.txt": "one\n" });
  const file = repo.path("a.txt");
  const steps = [
    {
      use: [{ tool: "read_file", input: { path: file } }, {
        tool: "execute",
        input: { command: "echo $CODER_CHAT_AGENT" },
      }],
    },
    { use: [{ tool: "edit_files", input: { files: [{ path: file, edits: [{ search: "one", replace: "two" }] }] } }] },
    { say: "Done" },
  ];
  await using plane = start([{ steps }]);
  await using _agent = await connect(plane);
  const { body: { id } } = await ask(plane, "", { title: "Edit", workspace: "ann/shop" });
  const git = watch(plane, `${id}/git/watch`);
  await git.opened;

  const said = await ask(plane, `/${id}/messages`, { text: "go" });
  const { chat, messages } = await untilIdle(plane, id);
  const change = await git.next(({ repositories }) => repositories?.[0]?.unified_diff?.includes("+two"));

  assertEquals([said.status, chat.status], [202, "waiting"]);
  const [first, second, edited] = resultsOf(messages);
  const [read, run] = "lines_read" in first ? [first, second] : [second, first];
  assertEquals([read.content, run.output, run.success, edited], ["1\tone\n2\t", "true\n", true, { ok: true }]);
  assertEquals(change.repositories[0].repo_root, repo.root);
  git.socket.close();
  await git.closed;
});

Deno.test("a chat follows commands: exit codes, a time that is up, the background, and their end by a signal", async () => {
  const execute = (input: Readonly<Record<string, unknown>>) => ({ use: [{ tool: "execute", input }] });
  const steps = [
    execute({ command: "echo out; echo err >&2; exit 42" }),
    execute({ command: "echo begun; sleep 600", timeout: "500ms" }),
    ({ values: [{ background_process_id: process_id }] }: ScriptTurn) => ({
      use: [
        { tool: "process_output", input: { process_id, wait_timeout: "0s" } },
        { tool: "process_signal", input: { process_id, signal: "kill" } },
      ],
    }),
    execute({ command: "sleep 600 &" }),
    { use: [{ tool: "process_list" }, { tool: "execute", input: { command: "true", workdir: "/nothing" } }] },
    { say: "Done" },
  ];
  await using plane = start([{ steps }]);
  await using _agent = await connect(plane);
  const { body: { id } } = await ask(plane, "", { agent: "dev", prompt: "go" });
  const { chat, messages } = await untilIdle(plane, id);
  const results = resultsOf(messages);
  const find = (isWanted: (result: Readonly<Record<string, unknown>>) => boolean) => results.find(isWanted);

  assertEquals(chat.last_error, undefined);
  const [failed, late] = results;
  assertEquals([failed.success, failed.exit_code, failed.output], [false, 42, "out\nerr\n"]);
  // On a busy machine the command may not have begun by then.
  assertEquals([late.success, late.exit_code, late.output ?? "begun\n"], [false, -1, "begun\n"]);
  assertMatch(late.error, /timed out after 500ms/);
  assert(late.wall_duration_ms >= 500);
  const running = find(({ note }) => /still running/.test(String(note)));
  assertEquals([running?.success, running?.background_process_id], [true, late.background_process_id]);
  assertEquals(find(({ message }) => /kill/.test(String(message)))?.success, true);
  const background = find((result) => result.wall_duration_ms === 0 && result.background_process_id !== undefined);
  assertEquals([background?.success, background?.output], [true, undefined]);
  const list = find(({ processes }) => processes !== undefined)?.processes as Readonly<Record<string, unknown>>[];
  // The newest of this chat, which sees no other chat's.
  assertEquals(list.map(({ command }) => command).toSorted(), [
    "echo begun; sleep 600",
    "echo out; echo err >&2; exit 42",
    "sleep 600",
  ]);
  assertEquals(find((result) => /nothing/.test(String(result.error)))?.success, false);
});

Deno.test("a parent's git watch shows what its child touches, and another chat's does not", async () => {
  await using repo = await GitRepo.create({ "a.txt": "one\n" });
  const steps = [
    { use: [{ tool: "write_file", input: { path: repo.path("b.txt"), content: "new\n" } }] },
    { say: "Done" },
  ];
  await using plane = start([{ steps }]);
  await using _agent = await connect(plane);
  const { body: parent } = await ask(plane, "", { agent: "dev" });
  const { body: other } = await ask(plane, "", { agent: "dev" });
  const watches = [watch(plane, `${parent.id}/stream/git`), watch(plane, `${other.id}/git/watch`)] as const;
  await Promise.all(watches.map(({ opened }) => opened));

  const { body: child } = await ask(plane, "", { prompt: "go", parent_chat_id: parent.id });
  await untilIdle(plane, child.id);
  const seen = await watches[0].next(({ repositories }) => repositories?.[0]?.unified_diff?.includes("+new"));
  // The answer to a refresh comes after everything the other watch had to say.
  watches[1].socket.send(JSON.stringify({ type: "refresh" }));
  watches[1].socket.send(JSON.stringify({ type: "nonsense" }));
  const first = await watches[1].next();

  assertEquals(seen.repositories[0].repo_root, repo.root);
  assertEquals([first.type, /unknown/i.test(first.message)], ["error", true]);
  for (const { socket, closed } of watches) {
    socket.close();
    await closed;
  }
});

Deno.test("refresh goes through to the agent, and its answer comes back", async () => {
  await using repo = await GitRepo.create({ "a.txt": "one\n" });
  const steps = [{ use: [{ tool: "write_file", input: { path: repo.path("a.txt"), content: "two\n" } }] }, {
    say: "Done",
  }];
  await using plane = start([{ steps }]);
  await using _agent = await connect(plane);
  const { body: { id } } = await ask(plane, "", { agent: "dev", prompt: "go" });
  await untilIdle(plane, id);
  const git = watch(plane, `${id}/git/watch`);

  const first = await git.next(({ repositories }) => repositories?.length > 0);
  git.socket.send(JSON.stringify({ type: "refresh" }));
  const second = await git.next(({ type }) => type === "changes");

  assert(second.scanned_at > first.scanned_at);
  git.socket.close();
  await git.closed;
});

Deno.test("a git watch that cannot be is refused with a plain answer that says why", async () => {
  await using plane = start();
  const refusal = async (body: unknown) => {
    const { body: { id } } = await ask(plane, "", body);
    const { status, body: { message } } = await ask(plane, `/${id}/git/watch`);
    return [status, message];
  };

  assertEquals(await refusal({ title: "No workspace" }), [400, "Chat has no workspace"]);
  assertEquals(await refusal({ title: "Away", agent: "away" }), [
    400,
    'Agent state is "disconnected", it must be "connected"',
  ]);
  assertEquals((await ask(plane, `/${crypto.randomUUID()}/git/watch`)).status, 404);
});

Deno.test("a git watch of a workspace whose agents are gone from the file is refused", async () => {
  const dir = await Deno.makeTempDir();
  const database = join(dir, "plane.db");
  let id: string;
  {
    await using plane = start([], database);
    id = (await ask(plane, "", { title: "A", agent: "away" })).body.id;
  }
  {
    const agents = parseAgentsFile(`{ "agents": [{ "name": "dev", "token": "${TOKEN}" }] }`, "test");
    await using plane = startControlPlane({ agents, logSink: () => {}, database });
    const { status, body: { message } } = await ask(plane, `/${id}/git/watch`);
    assertEquals([status, message], [400, "Chat workspace has no agents"]);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a git watch opens the agent's side first: an agent that lets nobody in, or refuses, is a 500 before the upgrade", async () => {
  await using plane = start();
  const closed = { agent: { controlPlane: { tunnel: false } } };
  {
    await using _agent = await connectAgent(plane, { token: TOKEN, name: "dev", config: closed });
    const { body: { id } } = await ask(plane, "", { agent: "dev" });
    const plain = await ask(plane, `/${id}/git/watch`);
    assertEquals([plain.status, plain.body.message], [426, "This route speaks WebSocket only"]);
    assertEquals(await upgrade(plane, id), [500, "Failed to dial the agent"]);
  }
  await using _agent = await connectAgent(plane, {
    ...{ token: TOKEN, name: "dev", config: { plugins: { agentgit: false } } },
  });
  const { body: { id } } = await ask(plane, "", { agent: "dev" });

  assertEquals(await upgrade(plane, id), [500, "Failed to open the git state at the agent"]);
});

/** Asks for a git watch over a bare connection, to see the answer to the upgrade. */
async function upgrade(plane: ControlPlane, id: string): Promise<readonly [number, string]> {
  const { hostname, port } = new URL(plane.address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    `GET /api/experimental/chats/${id}/git/watch HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `Authorization: Bearer ${plane.token}`,
    ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of connection.readable) {
    text += decoder.decode(bytes);
    const [head, body] = text.split("\r\n\r\n");
    if (body?.includes("}")) {
      return [Number(/^HTTP\/1\.1 (\d+)/.exec(head!)?.[1]), /"message":"([^"]*)"/.exec(body)?.[1] ?? ""];
    }
  }
  throw new Error(`the connection ended after: ${text}`);
}

Deno.test("either side of a git watch ends the other, and a stop of the control plane ends it with 1001", async () => {
  await using plane = start();
  const agent = await connect(plane);
  const { body: { id } } = await ask(plane, "", { agent: "dev" });
  const first = watch(plane, `${id}/git/watch`);
  const second = watch(plane, `${id}/git/watch`);
  await Promise.all([first.opened, second.opened]);

  await agent[Symbol.asyncDispose]();
  assertEquals((await first.closed).code, 1001);
  await second.closed;

  await using _again = await connect(plane);
  const third = watch(plane, `${id}/git/watch`);
  await third.opened;
  void plane.close();
  assertEquals((await third.closed).code, 1001);
});

Deno.test("a message of the user that is too long ends a git watch with 1009", async () => {
  await using plane = start();
  await using _agent = await connect(plane);
  const { body: { id } } = await ask(plane, "", { agent: "dev" });
  const git = watch(plane, `${id}/git/watch`);
  await git.opened;

  git.socket.send("x".repeat(32 * 1024 + 1));

  assertEquals((await git.closed).code, 1009);
});

Deno.test("a chat without a workspace, or whose agent is away, gets that as the result of its tools", async () => {
  const steps = [{ use: [{ tool: "execute", input: { command: "true" } }] }, { say: "I see" }];
  await using plane = start([{ steps }]);
  const results = async (body: unknown) => {
    const { body: { id } } = await ask(plane, "", body);
    return resultsOf((await untilIdle(plane, id)).messages);
  };

  assertMatch(JSON.stringify(await results({ prompt: "go" })), /Chat has no workspace/);
  assertMatch(JSON.stringify(await results({ prompt: "go", agent: "away" })), /Agent state is .*disconnected/);
});

Deno.test("the stream of a chat goes on after the last message that was seen", async () => {
  await using plane = start([{ steps: [{ say: "One" }, { say: "Two" }] }]);
  const { body: { id } } = await ask(plane, "", { prompt: "go" });
  await untilIdle(plane, id);
  const { body: { messages } } = await ask(plane, `/${id}/messages`);

  const response = await fetch(`${plane.address}/api/experimental/chats/${id}/stream`, {
    headers: { authorization: `Bearer ${plane.token}`, "last-event-id": String(messages[0].id) },
  });
  const events: string[] = [];
  for await (const { event, data } of readEvents(response.body!)) {
    if (event === "message") events.push(JSON.parse(data).content[0].text);
    if (event === "chat") break;
  }

  assertEquals(events, ["One"]);
});
