/**
 * Chats that use a real desktop: a chat gives the work to another, through the control plane, the tunnel and a real agent.
 *
 * @module
 */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { readEvents } from "../../../client/event_stream.ts";
import { missingPrograms } from "../../../test/fixtures/real_desktop.ts";
import { parseAgentsFile } from "../agents_file.ts";
import { connectAgent } from "../connected_agent.ts";
import { startControlPlane } from "../control_plane.ts";
import type { ChatMessage } from "./chat_store.ts";
import type { ToolResultBlock } from "./model.ts";
import { type Script, scriptedModel, type ScriptStep, type ScriptTurn } from "./scripted_model.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const FILE = parseAgentsFile(
  `{ "agents": [{ "name": "dev", "owner": "ann", "workspace": "shop", "token": "${TOKEN}" }] }`,
  "test",
);
/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;
const TEXT = "Grüße 漢字 from a chat";

const missing = missingPrograms("Xvnc", "openbox", "xterm", "xwininfo");
const skipped = missing.length === 0 ? "" : ` (skipped: no program ${missing.join(", ")})`;

const computer = (...inputs: readonly Readonly<Record<string, unknown>>[]): ScriptStep => ({
  use: inputs.map((input) => ({ tool: "computer", input })),
});
const execute = (command: string, more: object = {}): ScriptStep => ({
  use: [{ tool: "execute", input: { command, timeout: "60s", ...more } }],
});

/** Gives a task to an agent for the desktop, and says what that reported. */
const delegating = (prompt: string): Script => ({
  steps: [
    { use: [{ tool: "spawn_computer_use_agent", input: { prompt } }] },
    ({ values: [child] }: ScriptTurn) => ({ use: [{ tool: "wait_agent", input: { chat_id: child.chat_id } }] }),
    ({ values: [child] }: ScriptTurn) => ({ say: `It said: ${child.report ?? child}` }),
  ],
});

/** A control plane with one agent that is connected. */
async function start(scripts: readonly Script[], config: Readonly<Record<string, unknown>> = {}) {
  const plane = startControlPlane({ agents: FILE, logSink: () => {}, models: [scriptedModel(scripts)] });
  const agent = await connectAgent(plane, { token: TOKEN, name: "dev", config });
  const headers = { authorization: `Bearer ${plane.token}` };

  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  async function ask(path: string, body?: unknown): Promise<any> {
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${plane.address}${path}`, { headers, ...post });
    const text = await response.text();
    assertEquals(response.ok, true, text);
    return JSON.parse(text);
  }

  return {
    ask,
    /** All that was said in a chat, once it is idle. */
    async said(id: string): Promise<readonly ChatMessage[]> {
      const response = await fetch(`${plane.address}/api/experimental/chats/${id}/stream`, {
        ...{ headers, signal: AbortSignal.timeout(HANG_MS) },
      });
      const messages: ChatMessage[] = [];
      for await (const { event, data } of readEvents(response.body!)) {
        if (event === "message") messages.push(JSON.parse(data));
        if (event === "chat" && JSON.parse(data).status === "waiting") return messages;
        if (event === "chat") assertNotEquals(JSON.parse(data).status, "error", data);
      }
      throw new Error("the stream ended");
    },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
    },
  };
}

function resultsOf(messages: readonly ChatMessage[]): readonly ToolResultBlock[] {
  return messages.flatMap(({ content }) => content).filter((block) => block.type === "tool_result");
}

function pictureOf({ content }: ToolResultBlock): string {
  const image = typeof content === "string" ? undefined : content.find((block) => block.type === "image");
  return image?.source.data ?? `no picture but ${content}`;
}

const CHATS = "/api/experimental/chats";
const LEASE = "/api/agents/dev/proxy/api/v0/desktop/lease";

Deno.test({
  name: `a chat lets another click and type on the desktop, and hears what came of it${skipped}`,
  ignore: missing.length > 0,
  async fn() {
    const dir = await Deno.makeTempDir();
    const [first, second] = [join(dir, "first"), join(dir, "second")];
    const terminal = (file: string, place: string) =>
      execute(`LC_ALL=C.UTF-8 xterm -u8 -T ${file} -geometry 80x24${place} -e sh -c 'exec cat >${file}'`, {
        run_in_background: true,
      });
    const shown = (file: string) =>
      execute(`until xwininfo -name ${file} | grep -q IsViewable && [ -e ${file} ]; do sleep 0.1; done`);
    const click = { action: "left_click", coordinate: [200, 167] };
    await using opened = await start([{
      when: /^Type/,
      steps: [
        computer({ action: "screenshot" }),
        terminal(first, "+100+100"),
        shown(first),
        terminal(second, "+900+500"),
        shown(second),
        computer(click, { action: "type", text: `${TEXT}\n` }),
        execute(`until [ -s ${first} ]; do sleep 0.1; done; cat ${first}`),
        ({ values: [{ output }] }) => ({ say: `The first terminal has: ${output}` }),
        computer(click),
        ({ results }) => ({ say: results[0] }),
        computer(click),
        computer({ action: "screenshot" }),
        computer(click),
        ({ results }) => ({ say: results[0] }),
      ],
    }, delegating("Type into the terminal that does not have the focus.")]);

    const { id } = await opened.ask(CHATS, { prompt: "Go", agent: "dev" });
    const parent = await opened.said(id);
    const { children: [child] } = await opened.ask(`${CHATS}/${id}`);
    const [empty, , , , , clicked, typed] = resultsOf(await opened.said(child.id));

    assertEquals(child.mode, "computer_use");
    assertEquals(await Deno.readTextFile(first), `${TEXT}\n`);
    assertEquals(await Deno.readTextFile(second), "");
    assertEquals(parent.at(-1)?.content, [{ type: "text", text: `It said: The first terminal has: ${TEXT}` }]);
    const pictures = [empty!, clicked!, typed!].map(pictureOf);
    for (const picture of pictures) assertMatch(picture, /^iVBORw0KGgo/);
    assertNotEquals(pictures[0], pictures[2]);

    // A person takes the desktop: the chat is told who, and has to look before it acts again.
    await opened.ask(`${LEASE}/take`, { name: "Anna" });
    await opened.ask(`${CHATS}/${child.id}/messages`, { text: "Click" });
    const held = resultsOf(await opened.said(child.id)).at(-1)!;
    await opened.ask(`${LEASE}/hand-back`, {});
    await opened.ask(`${CHATS}/${child.id}/messages`, { text: "Click now" });
    const [stale, looked, done] = resultsOf(await opened.said(child.id)).slice(-3);

    assertMatch(String(held.content), /left_click failed: A person holds the desktop: Anna holds the desktop until 20/);
    assertMatch(String(stale!.content), /A person has used the desktop since.*Take a screenshot/);
    for (const result of [looked!, done!]) assertMatch(pictureOf(result), /^iVBORw0KGgo/);
    await Deno.remove(dir, { recursive: true });
  },
});

Deno.test("a chat learns that its workspace has no desktop, and so does the chat that waits for it", async () => {
  await using opened = await start([
    { when: /^Look/, steps: [computer({ action: "screenshot" }), ({ results }) => ({ say: results[0] })] },
    delegating("Look at the screen"),
  ], { plugins: { desktop: false } });

  const { id } = await opened.ask(CHATS, { prompt: "Go", agent: "dev" });
  const [last] = (await opened.said(id)).at(-1)!.content;

  assertEquals(last?.type, "text");
  assertStringIncludes(
    (last as { readonly text: string }).text,
    "It said: action screenshot failed: The workspace has no desktop, because its agent runs without the plugin desktop",
  );
});
