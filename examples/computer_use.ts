/**
 * A chat that lets another use the desktop: that one opens a terminal, clicks into it, types, sees that it happened, and reports.
 *
 * Starts a control plane and an agent. The model follows a script, so that it needs no account; everything else is real. Needs
 * the Debian packages tigervnc-standalone-server, openbox and xterm. Run it with: `deno run -A examples/computer_use.ts`
 *
 * @module
 */
import { join } from "@std/path";

import { readEvents } from "../client/event_stream.ts";
import { startAgentOf } from "./control-plane/agent_of.ts";
import { parseAgentsFile } from "./control-plane/agents_file.ts";
import type { ChatMessage } from "./control-plane/chats/chat_store.ts";
import type { ModelRequest } from "./control-plane/chats/model.ts";
import { type Script, scriptedModel, type ScriptStep } from "./control-plane/chats/scripted_model.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control_plane.ts";

/** What the model types; the terminal writes it into a file. */
const TEXT = "Grüße 漢字 from the model";
/** Screenshots until the terminal has to be there. */
const LOOKS = 15;
/** Longest wait for the end of anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;

const temporary = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-desktop-" }));
const file = join(temporary, "typed.txt");
try {
  await show();
} finally {
  await Deno.remove(temporary, { recursive: true });
}

async function show(): Promise<void> {
  const token = crypto.randomUUID();
  await using plane = startControlPlane({
    agents: parseAgentsFile(JSON.stringify({ agents: [{ name: "dev", token }] }), "example"),
    models: [scriptedModel([onDesktop(), delegating()])],
    logSink: () => {},
  });
  await using agent = startAgentOf({ http: plane.address, token, home: temporary, logLevel: "error" });
  await untilConnected(plane, agent.ended);
  const response = await fetch(`${plane.address}/api/experimental/chats`, {
    method: "POST",
    headers: { authorization: `Bearer ${plane.token}` },
    body: JSON.stringify({ prompt: "Write a greeting into a terminal.", agent: "dev" }),
  });
  if (!response.ok) throw new Error(await response.text());
  await follow(plane, (await response.json()).id, "chat");
  const typed = (await Deno.readTextFile(file)).trim();
  console.log(`The terminal wrote: ${typed}`);
  if (typed !== TEXT) Deno.exitCode = 1;
}

/** The chat that the user speaks to. */
function delegating(): Script {
  return {
    steps: [
      {
        say: "That needs the desktop, so I give it to an agent that sees it.",
        use: [{ tool: "spawn_computer_use_agent", input: { prompt: `Type "${TEXT}" into a terminal.` } }],
      },
      ({ values: [child] }) => ({ use: [{ tool: "wait_agent", input: { chat_id: child.chat_id } }] }),
      ({ values: [child] }) => ({ say: `It reports: ${child.report ?? child}` }),
    ],
  };
}

/** The chat that uses the desktop, as a model would go about it. The screen is 1280x720 to it. */
function onDesktop(): Script {
  return {
    when: /^Type/,
    steps: [
      { say: "I look at the empty desktop.", ...computer({ action: "screenshot" }) },
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
      computer({ action: "screenshot" }),
      ...Array.from({ length: LOOKS }, () => ({ request }: { readonly request: ModelRequest }) => {
        const pictures = picturesOf(request);
        const isThere = pictures.at(-1) !== pictures[0];
        return computer(isThere ? { action: "screenshot" } : { action: "wait", duration: 400 });
      }),
      {
        say: "It is there. I click into it and type.",
        ...computer({ action: "left_click", coordinate: [350, 250] }, { action: "type", text: `${TEXT}\n` }),
      },
      computer({ action: "wait", duration: 500 }),
      ({ request }) => {
        const pictures = picturesOf(request);
        if (pictures.at(-1) === pictures.at(-4)) return { say: "The picture is as it was: nothing was typed." };
        return { say: "The picture has changed. I end the input.", ...computer({ action: "key", text: "ctrl+d" }) };
      },
      { say: "The text is in the terminal." },
    ],
  };
}

function computer(...inputs: readonly Readonly<Record<string, unknown>>[]): ScriptStep {
  return { use: inputs.map((input) => ({ tool: "computer", input })) };
}

/** Every picture that the model was shown, oldest first. */
function picturesOf({ messages }: ModelRequest): readonly string[] {
  return messages.flatMap(({ content }) => content).flatMap((block) => {
    if (block.type !== "tool_result" || typeof block.content === "string") return [];
    return block.content.flatMap((part) => part.type === "image" ? [part.source.data] : []);
  });
}

/** Prints what is said in a chat, and in those it makes, until it waits for its user. @throws {Error} When it fails. */
async function follow(plane: ControlPlane, id: string, who: string): Promise<void> {
  const response = await fetch(`${plane.address}/api/experimental/chats/${id}/stream`, {
    headers: { authorization: `Bearer ${plane.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  const below = new Map<string, Promise<void>>();
  for await (const { event, data } of readEvents(response.body!)) {
    if (event === "message") {
      const { role, content }: ChatMessage = JSON.parse(data);
      for (const block of content) {
        if (block.type === "text" && role === "assistant") console.log(`${who}: ${block.text}`);
        if (block.type !== "tool_result" || typeof block.content !== "string") continue;
        if (block.is_error) console.log(`${who}: (failed) ${block.content}`);
        const child = /"chat_id":"([^"]+)"/.exec(block.content)?.[1];
        if (child !== undefined && !below.has(child)) below.set(child, follow(plane, child, "agent"));
      }
    }
    if (event !== "chat") continue;
    const { status, last_error: error } = JSON.parse(data);
    if (status === "error") throw new Error(`The chat failed: ${error}`);
    if (status !== "waiting") continue;
    await Promise.all(below.values());
    return;
  }
}

async function untilConnected({ address, token }: ControlPlane, ended: Promise<Deno.CommandStatus>): Promise<void> {
  const gone = new AbortController();
  ended.then(({ code }) => gone.abort(new Error(`The agent ended with ${code}`)));
  const headers = { authorization: `Bearer ${token}` };
  const events = await fetch(`${address}/api/events`, { headers, signal: gone.signal });
  for await (const _ of events.body!) {
    const agent = await fetch(`${address}/api/agents/dev`, { headers });
    if ((await agent.json()).has_tunnel) return;
  }
}
