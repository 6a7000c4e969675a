/**
 * A model that uses the desktop: it opens a terminal, clicks into it, types, and sees that it happened.
 *
 * The model is scripted, so that it needs no account; everything else is real: an agent, its desktop, the tools `execute` and
 * `computer` as models get them. Needs the Debian packages tigervnc-standalone-server, openbox and xterm. Run it with:
 * `deno run -A examples/computer_use.ts`
 *
 * @module
 */
import { join } from "@std/path";

import { createAgent } from "../mod.ts";
import agentproc from "../plugins/agentproc/mod.ts";
import desktop from "../plugins/desktop/mod.ts";
import mcp from "../plugins/mcp/mod.ts";
import { type Script, scriptedModel } from "./control-plane/chats/scripted_model.ts";
import type { ContentBlock, ModelMessage, ToolResultBlock } from "./control-plane/chats/model.ts";

/** What a tool answers over the agent's plain route. */
interface Called {
  readonly content: readonly { readonly type: string; readonly text?: string; readonly data?: string }[];
  readonly is_error: boolean;
}

/** What the model types; the terminal writes it into a file. */
const TEXT = "Grüße 漢字 from the model";
/** Screenshots until the terminal has to be there. */
const LOOKS = 15;

const temporary = await Deno.makeTempDir({ prefix: "outpost-example-" });
const file = join(temporary, "typed.txt");
const pictures: string[] = [];

/** The task as a model would go about it. The screen is 1280x720 to it. */
const script: Script = {
  steps: [
    { say: "I look at the empty desktop.", use: [{ tool: "computer", input: { action: "screenshot" } }] },
    {
      say: "I open a terminal.",
      use: [{
        tool: "execute",
        input: {
          command: `LC_ALL=C.UTF-8 xterm -u8 -geometry 80x24+300+200 -e sh -c 'cat >${file}'`,
          run_in_background: true,
        },
      }],
    },
    ...Array.from(
      { length: LOOKS },
      () => () =>
        pictures.at(-1) === pictures[0]
          ? { use: [{ tool: "computer", input: { action: "wait", duration: 400 } }] }
          : { use: [{ tool: "computer", input: { action: "screenshot" } }] },
    ),
    {
      say: "It is there. I click into it and type.",
      use: [{ tool: "computer", input: { action: "left_click", coordinate: [350, 250] } }],
    },
    { use: [{ tool: "computer", input: { action: "type", text: `${TEXT}\n` } }] },
    { use: [{ tool: "computer", input: { action: "wait", duration: 500 } }] },
    ({ values }) => ({
      say: pictures.at(-1) === pictures.at(-4) ? "Nothing was typed." : "The picture has changed: the text is there.",
      use: typeof values[0] === "string" ? [] : [{ tool: "computer", input: { action: "key", text: "ctrl+d" } }],
    }),
    { say: "Done." },
  ],
};

try {
  await using agent = createAgent({
    plugins: [agentproc, desktop, mcp],
    config: {
      agent: { listen: { tcp: "127.0.0.1:0" }, tokenFile: join(temporary, "token"), log: { level: "error" } },
      plugins: { desktop: { config: { driver: "native" } } },
    },
  });
  await agent.start();
  const authorization = `Bearer ${(await Deno.readTextFile(agent.tokenFile!)).trim()}`;
  await converse(async (tool, input) => {
    const response = await fetch(`${agent.addresses.http}/api/v0/mcp/call-tool`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ tool_name: `outpost__${tool}`, arguments: input }),
    });
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  });
  const typed = (await Deno.readTextFile(file)).trim();
  console.log(`The terminal wrote: ${typed}`);
  if (typed !== TEXT) Deno.exitCode = 1;
} finally {
  await Deno.remove(temporary, { recursive: true });
}

/** Asks the model, does what it wants, tells it what came of it, until it wants nothing more. */
async function converse(call: (tool: string, input: unknown) => Promise<Called>): Promise<void> {
  const model = scriptedModel([script]);
  const messages: ModelMessage[] = [{ role: "user", content: [{ type: "text", text: "Type a greeting." }] }];
  for (;;) {
    const reply = await model.reply({ system: "", messages, tools: [] }, new AbortController().signal);
    messages.push({ role: "assistant", content: reply.content });
    const results: ContentBlock[] = [];
    for (const block of reply.content) {
      if (block.type === "text") console.log(`model: ${block.text}`);
      if (block.type === "tool_use") results.push(await resultOf(block, call));
    }
    if (results.length === 0) return;
    messages.push({ role: "user", content: results });
  }
}

async function resultOf(
  { id, name, input }: Extract<ContentBlock, { type: "tool_use" }>,
  call: (tool: string, input: unknown) => Promise<Called>,
): Promise<ToolResultBlock> {
  const { content, is_error } = await call(name, input);
  const picture = content.find(({ type }) => type === "image")?.data;
  if (picture !== undefined) pictures.push(picture);
  const text = content.find(({ type }) => type === "text")?.text ?? "";
  if (is_error) console.log(`${name} failed: ${text}`);
  return { type: "tool_result", tool_use_id: id, content: text, ...(is_error && { is_error }) };
}
