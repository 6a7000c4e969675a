/**
 * The agent's main job on real input: find and mend a bug through its API, as a model or a script would.
 *
 * Copies this repository into a temporary folder, starts an agent there, breaks a source file, runs its tests through the
 * process API, reads the failure, edits the file and runs the tests again until they pass. Run it with:
 * `deno run -A examples/fix_a_bug.ts`
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

import { createAgent } from "../mod.ts";
import agentfiles from "../plugins/agentfiles/mod.ts";
import agentproc from "../plugins/agentproc/mod.ts";

/** The bug: the columns of a table become as narrow as their shortest cell. */
const BUG = { path: "core/cli/text_table.ts", search: "Math.max(", replace: "Math.min(" };
/** Words that people mistake for each other: what a first look at a small function suspects. */
const SUSPECTS: readonly (readonly [found: string, instead: string])[] = [
  ["padEnd(", "padStart("],
  ["trimEnd(", "trimStart("],
  ["Math.min(", "Math.max("],
  ["Math.max(", "Math.min("],
];

/** What the tests said. */
interface Verdict {
  readonly passed: boolean;
  /** Names of the tests that failed. */
  readonly failed: readonly string[];
  readonly output: string;
}
/** Talks to the agent; rejects unless the answer is good. */
type Ask = <Body>(path: string, body?: unknown) => Promise<Body>;

let steps = 0;
const temporary = await Deno.makeTempDir({ prefix: "outpost-example-" });
try {
  const copy = join(temporary, "repository");
  step(`Copied ${await copyTree(fromFileUrl(new URL("../", import.meta.url)), copy)} files to ${copy}`);
  await using agent = createAgent({
    plugins: [agentproc, agentfiles],
    config: {
      agent: {
        directory: copy,
        listen: { tcp: "127.0.0.1:0" },
        tokenFile: join(temporary, "token"),
        log: { level: "error" },
      },
    },
  });
  await agent.start();
  step(`Started an agent at ${agent.addresses.http}`);
  await mend(await connect(agent.addresses.http!, agent.tokenFile!), copy);
} finally {
  await Deno.remove(temporary, { recursive: true });
}

async function mend(ask: Ask, copy: string): Promise<void> {
  const source = join(copy, BUG.path);
  const tests = BUG.path.replace(/\.ts$/, "_test.ts");
  await edit(ask, source, BUG.search, BUG.replace);
  step(`Broke ${BUG.path}: "${BUG.search}" became "${BUG.replace}"`);

  const red = await runTests(ask, tests);
  if (red.passed) throw new Error("The bug went unnoticed: the tests pass");
  step(`Ran ${tests}: red`);
  for (const name of red.failed) console.log(`     ${name}`);

  for (const [found, instead] of SUSPECTS) {
    const { content } = await ask<{ content: string }>(`/api/v0/read-file-lines?path=${encodeURIComponent(source)}`);
    if (!content.includes(found)) continue;
    const diff = await edit(ask, source, found, instead);
    const verdict = await runTests(ask, tests);
    step(`Tried "${instead}" in place of "${found}": ${verdict.passed ? "green" : "still red"}`);
    if (verdict.passed) {
      console.log(diff.replace(/^/gm, "     ").trimEnd());
      return;
    }
    await edit(ask, source, instead, found);
  }
  throw new Error(`No suspect mends the bug:\n${red.output}`);
}

/** Replaces one text by another and returns the difference. The agent refuses a text that is missing or not unique. */
async function edit(ask: Ask, path: string, search: string, replace: string): Promise<string> {
  const { files } = await ask<{ files: { diff: string }[] }>("/api/v0/edit-files", {
    files: [{ path, edits: [{ search, replace }] }],
    include_diff: true,
  });
  return files[0]!.diff;
}

/** Starts the tests, waits for their end and reads what they wrote. */
async function runTests(ask: Ask, path: string): Promise<Verdict> {
  const { id } = await ask<{ id: string }>("/api/v0/processes/start", {
    command: `"${Deno.execPath()}" test -A "${path}"`,
    env: { NO_COLOR: "1" },
  });
  const route = `/api/v0/processes/${id}/output?wait=true`;
  let answer = await ask<{ output: string; running: boolean; exit_code?: number }>(route);
  while (answer.running) answer = await ask(route);
  const failed = [...answer.output.matchAll(/^(.+) \.\.\. FAILED/gm)].map(([, name]) => name!);
  return { passed: answer.exit_code === 0, failed, output: answer.output };
}

async function connect(url: string, tokenFile: string): Promise<Ask> {
  const authorization = `Bearer ${(await Deno.readTextFile(tokenFile)).trim()}`;
  return async <Body>(path: string, body?: unknown): Promise<Body> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { authorization, "content-type": "application/json" },
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return await response.json();
  };
}

/** Copies what belongs to the source; returns how many files that is. */
async function copyTree(from: string, to: string): Promise<number> {
  await Deno.mkdir(to, { recursive: true });
  let count = 0;
  for await (const { name, isFile, isDirectory } of Deno.readDir(from)) {
    if (name.startsWith(".") || ["node_modules", "dist", "coverage"].includes(name)) continue;
    if (isDirectory) {
      count += await copyTree(join(from, name), join(to, name));
    } else if (isFile) {
      await Deno.copyFile(join(from, name), join(to, name));
      count++;
    }
  }
  return count;
}

function step(text: string): void {
  console.log(`${String(++steps).padStart(2)}.  ${text}`);
}
