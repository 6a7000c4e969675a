/**
 * A whole chat: a model finds a bug in a real repository, mends it, runs the tests and commits, while its user watches what it
 * does and how the repository changes.
 *
 * Starts a control plane and an agent, makes a repository with a failing test, and gives a chat the task. The model follows a
 * script, so that nothing is needed from outside; everything else is real. Run it with: `deno run -A examples/chat.ts`
 *
 * @module
 */
import { join } from "@std/path";

import { readEvents } from "../client/event_stream.ts";
import { GitWatch } from "../client/git.ts";
import type { WatchMessage } from "../client/mod.ts";
import { startAgentOf } from "./control-plane/agent_of.ts";
import { parseAgentsFile } from "./control-plane/agents_file.ts";
import type { ChatMessage } from "./control-plane/chats/chat_store.ts";
import type { ContentBlock } from "./control-plane/chats/model.ts";
import { scriptedModel, type ScriptEntry } from "./control-plane/chats/scripted_model.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control_plane.ts";

/** What the repository holds, and the bug: a discount is taken off as an amount, not as a part. */
const FILES = {
  "price.ts": `/** A price in cents after a discount in percent. */
export function discounted(cents: number, percent: number): number {
  return cents - percent;
}
`,
  "price_test.ts": `import { discounted } from "./price.ts";

Deno.test("a discount is a part of the price", () => {
  const price = discounted(2000, 25);
  if (price !== 1500) throw new Error(\`2000 cents less 25 % are \${price} cents, expected 1500\`);
});
`,
} as const;
const MENDED = { search: "cents - percent", replace: "Math.round(cents * (100 - percent) / 100)" };

/** Longest wait for the end of anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;

let steps = 0;
const temporary = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-chat-" }));
try {
  await show();
} finally {
  await Deno.remove(temporary, { recursive: true });
}

async function show(): Promise<void> {
  const repository = await makeRepository(join(temporary, "shop"));
  step(`Made a repository with a failing test: ${repository}`);
  const token = crypto.randomUUID();
  await using plane = startControlPlane({
    agents: parseAgentsFile(JSON.stringify({ agents: [{ name: "dev", token }] }), "example"),
    models: [scriptedModel([{ steps: scriptFor(repository) }])],
    logSink: () => {},
  });
  await using agent = startAgentOf({ http: plane.address, token, home: temporary, logLevel: "error" });
  await untilConnected(plane, agent.ended);
  step(`Started a control plane at ${plane.address}, with an agent`);

  const chat = await ask<{ readonly id: string }>(plane, "", { title: "Mend the price", agent: "dev" });
  using watch = watchGit(plane, chat.id);
  step(`Made chat ${chat.id} and opened its git watch`);
  await ask(plane, `/${chat.id}/messages`, { text: `A test fails in ${repository}. Mend the bug and commit.` });
  await follow(plane, chat.id);
  await watch.untilClean();
  step(`The last commit: ${(await git(repository, "log", "-1", "--format=%s")).trim()}`);
}

/** What the model does. Each step looks at what the one before brought, as a model would. */
function scriptFor(repository: string): readonly ScriptEntry[] {
  const path = (name: keyof typeof FILES) => join(repository, name);
  const runTests = {
    tool: "execute",
    input: { command: `"${Deno.execPath()}" test`, workdir: repository, timeout: "1m" },
  };
  return [
    { say: "I run the tests first.", use: [runTests] },
    ({ values: [tests] }) =>
      tests.success ? { say: "All tests pass: there is nothing to mend." } : {
        say: "One fails. I read the source and the test.",
        use: [
          { tool: "read_file", input: { path: path("price.ts") } },
          { tool: "read_file", input: { path: path("price_test.ts") } },
        ],
      },
    ({ values: [source] }) =>
      source.content?.includes(MENDED.search)
        ? {
          say: "The percentage is taken off as if it were cents.",
          use: [{
            tool: "edit_files",
            input: { files: [{ path: path("price.ts"), edits: [MENDED] }], include_diff: true },
          }],
        }
        : { say: "I do not see the bug." },
    { say: "I run the tests again.", use: [runTests] },
    ({ values: [tests] }) =>
      !tests.success ? { say: "They still fail. I leave the change for you to look at." } : {
        say: "They pass. I commit.",
        use: [{
          tool: "execute",
          input: { command: "git commit -qam 'Take the discount as a part of the price'", workdir: repository },
        }],
      },
    ({ values: [commit] }) => ({ say: commit.success ? "Mended and committed." : `I cannot commit: ${commit.output}` }),
  ];
}

/** Prints what is said until the chat waits for its user. @throws {Error} When it fails. */
async function follow({ address, token }: ControlPlane, id: string): Promise<void> {
  const response = await fetch(`${address}/api/experimental/chats/${id}/stream`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  const calls = new Map<string, string>();
  let hasSpoken = false;
  for await (const { event, data } of readEvents(response.body!)) {
    if (event === "message") {
      const { role, content }: ChatMessage = JSON.parse(data);
      for (const block of content) say(role, block, calls);
      hasSpoken ||= role === "assistant";
    }
    if (event !== "chat") continue;
    const { status, last_error: error } = JSON.parse(data);
    if (status === "error") throw new Error(`The chat failed: ${error}`);
    if (status === "waiting" && hasSpoken) return;
  }
}

function say(role: string, block: ContentBlock, calls: Map<string, string>): void {
  if (block.type === "text") line(role === "user" ? "user" : "model", block.text);
  if (block.type === "tool_use") {
    calls.set(block.id, block.name);
    line("call", `${block.name} ${JSON.stringify(block.input)}`);
  }
  if (block.type === "tool_result") {
    line("result", `${calls.get(block.tool_use_id)} ${summaryOf(String(block.content))}`);
  }
}

/** The diff of an edit, the exit code of a command, the size of a file; otherwise the text. */
function summaryOf(text: string): string {
  const value = text.startsWith("{") ? JSON.parse(text) : {};
  if (value.files !== undefined) return `changed\n${value.files[0].diff.trimEnd().replace(/^/gm, "        ")}`;
  if (value.exit_code !== undefined) return `exit code ${value.exit_code} after ${value.wall_duration_ms} ms`;
  if (value.total_lines !== undefined) return `${value.lines_read} lines`;
  return text;
}

/** Prints how the repository changes. Dispose it to stop. */
function watchGit(plane: ControlPlane, id: string) {
  const url = `${plane.address.replace("http:", "ws:")}/api/experimental/chats/${id}/git/watch`;
  const watch = new GitWatch(new WebSocket(url, { headers: { authorization: `Bearer ${plane.token}` } }));
  const clean = Promise.withResolvers<void>();
  let wasDirty = false;
  (async () => {
    for await (const message of watch) {
      for (const text of describe(message)) {
        line("git", text);
        if (wasDirty && text.endsWith("clean")) clean.resolve();
        wasDirty ||= !text.endsWith("clean");
      }
    }
  })().catch(clean.reject);
  return {
    [Symbol.dispose]: () => watch.close(),
    /** Resolves once the repository was changed and is clean again. */
    async untilClean(): Promise<void> {
      const late = setTimeout(() => clean.reject(new Error("The git watch did not show the commit")), HANG_MS);
      await clean.promise.finally(() => clearTimeout(late));
    },
  };
}

function describe(message: WatchMessage): readonly string[] {
  if (message.type !== "changes") return [];
  return (message.repositories ?? []).map(({ repo_root, branch, unified_diff = "" }) => {
    const lines = unified_diff.split("\n");
    const added = lines.filter((line) => /^\+(?!\+\+ )/.test(line)).length;
    const removed = lines.filter((line) => /^-(?!-- )/.test(line)).length;
    return `${repo_root} on ${branch}: ${unified_diff === "" ? "clean" : `+${added} -${removed} lines`}`;
  });
}

/** Asks below `/api/experimental/chats`. */
async function ask<T>({ address, token }: ControlPlane, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${address}/api/experimental/chats${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return await response.json();
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

async function makeRepository(path: string): Promise<string> {
  await Deno.mkdir(path);
  for (const [name, text] of Object.entries(FILES)) await Deno.writeTextFile(join(path, name), text);
  await git(path, "init", "-q", "-b", "main");
  await git(path, "config", "user.name", "Example");
  await git(path, "config", "user.email", "example@example.org");
  await git(path, "add", ".");
  await git(path, "commit", "-qm", "Add prices");
  return path;
}

async function git(directory: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args: ["-C", directory, ...args] }).output();
  if (!success) throw new Error(`git ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function step(text: string): void {
  console.log(`${String(++steps).padStart(2)}.  ${text}`);
}

function line(who: string, text: string): void {
  console.log(`    ${who.padEnd(6)}  ${text.replaceAll(`${temporary}/`, "")}`);
}
