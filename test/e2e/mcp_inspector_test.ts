/**
 * The command line of the MCP inspector, a client by other people, with an agent that has a control plane.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";

import { startServer } from "../../examples/control-plane/server_process.ts";
import { workspaceTools } from "../../plugins/mcp/tools/mod.ts";
import { type AgentProcess, ROOT, startAgent } from "../agent_process.ts";

const INSPECTOR = "@modelcontextprotocol/inspector@0.16.8";
/** Of the agent `dev` in the file that comes with the control plane. */
const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const APP = "assistant";
/** Longest wait for a program, in milliseconds; it only ends hangs. */
const HANG_MS = 300_000;
/** Inspectors that run at once. */
const PARALLEL = 4;

/** Whether `npx` is installed. Without it the test is skipped on a developer's machine, and fails in CI. */
const hasNpx = await new Deno.Command("npx", { args: ["--version"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);

async function run(command: readonly string[], env?: Record<string, string>): Promise<string> {
  const [program, ...args] = command;
  const options: Deno.CommandOptions = env === undefined ? {} : { env, clearEnv: true };
  const output = new Deno.Command(program!, { ...options, args, stdin: "null", stdout: "piped", stderr: "piped" })
    .output();
  const { code, stdout, stderr } = await deadline(output, HANG_MS);
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${out}${err}`);
  return out;
}

/** Installs the inspector where npx keeps packages. Returns its script, so that each call costs no start of npm. */
async function installInspector(): Promise<string> {
  const path = await run(["npx", "--yes", "--package", INSPECTOR, "-c", "command -v mcp-inspector"]);
  return await Deno.realPath(path.trim());
}

/** A way to reach the agent, and a folder of its own for the calls made through it. */
interface Way {
  readonly target: readonly string[];
  readonly options: readonly string[];
  readonly folder: string;
}

interface Result {
  readonly isError?: boolean;
  // deno-lint-ignore no-explicit-any -- tests look into results of every shape
  readonly structuredContent: any;
}

async function waysTo(agent: AgentProcess): Promise<Record<"stdio" | "http", Way>> {
  const [stdio, http] = ["stdio", "http"].map((name) => join(agent.dir, name)) as [string, string];
  for (const folder of [stdio, http]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "read.txt"), "one\ntwo\n");
    await Deno.writeTextFile(join(folder, "edit.txt"), "one\ntwo\n");
  }
  const outpost = [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];
  return {
    stdio: { target: [...outpost, "mcp", "--app-status-slug", APP], options: [], folder: stdio },
    http: {
      target: [`${agent.http}/api/v0/mcp`],
      options: [
        ...["--transport", "http", "--header", `Authorization: Bearer ${agent.token}`],
        ...["--header", `outpost-app-status-slug: ${APP}`],
      ],
      folder: http,
    },
  };
}

/** Arguments of a call of every tool, and what of its result must hold. */
function callsIn(folder: string, process: string): Record<string, [Record<string, unknown>, (value: Result) => void]> {
  const [read, edit, written] = ["read.txt", "edit.txt", "written.txt"].map((name) => join(folder, name));
  const is = (expected: Record<string, unknown>) => ({ structuredContent: value }: Result) => {
    for (const [key, each] of Object.entries(expected)) {
      assertEquals(value[key], each, `${key} of ${JSON.stringify(value)}`);
    }
  };
  return {
    execute: [{ command: "pwd", workdir: folder, timeout: "1m" }, is({ success: true, output: `${folder}\n` })],
    process_output: [{ process_id: process, wait_timeout: "1m" }, is({ success: true, output: "done\n" })],
    process_list: [{}, ({ structuredContent: value }) => {
      assertEquals(value.processes.some(({ id }: { readonly id: string }) => id === process), true);
    }],
    read_file: [{ path: read, offset: 2, limit: 1 }, is({ content: "2\ttwo", lines_read: 1 })],
    read_bytes: [{ path: read, offset: 4, limit: 2 }, is({ text: "tw", more: true })],
    write_file: [{ path: written, content: "by the inspector" }, is({ ok: true })],
    edit_files: [
      { files: [{ path: edit, edits: [{ search: "two", replace: "2" }] }], include_diff: true },
      ({ structuredContent: value }) => assertMatch(value.files[0].diff, /-two\n\+2\n/),
    ],
    list_directory: [{ path: folder }, is({ absolute_path_string: folder })],
    computer: [{ action: "screenshot" }, is({ output: "screenshot", display_width: 1280 })],
    coder_report_task: [
      { summary: `from ${folder}`, link: "https://example.com/", state: "working" },
      is({ message: "Thanks for reporting!" }),
    ],
  };
}

Deno.test({
  name: "the MCP inspector's command line lists and calls every tool, over stdio and over HTTP with the token",
  ignore: !hasNpx && Deno.env.get("CI") !== "true",
  async fn() {
    const inspector = await installInspector();
    await using server = await startServer();
    await using agent = await startAgent({ env: { CODER_AGENT_URL: server.http, CODER_AGENT_TOKEN: TOKEN } });
    await connected(server);
    const ways = await waysTo(agent);
    const inspect = async (way: Way, ...args: string[]) => {
      const command = ["node", inspector, "--cli", ...way.target, ...way.options, ...args];
      return JSON.parse(await run(command, { ...agent.env }));
    };
    const called = { stdio: new Set<string>(), http: new Set<string>() };
    const work: (() => Promise<void>)[] = [];
    for (const name of ["stdio", "http"] as const) {
      const way = ways[name];
      const process = await agent.post<{ readonly id: string }>("/api/v0/processes/start", {
        command: "echo done",
      });
      const call = async (tool: string, args: Record<string, unknown>): Promise<Result> => {
        const pairs = Object.entries(args).map(([key, value]) =>
          `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`
        );
        const result = await inspect(
          way,
          ...["--method", "tools/call", "--tool-name", tool, ...pairs.flatMap((pair) => ["--tool-arg", pair])],
        );
        assertEquals(result.isError ?? false, false, `${tool} over ${name}: ${JSON.stringify(result)}`);
        called[name].add(tool);
        return result;
      };
      work.push(async () => {
        const { tools } = await inspect(way, "--method", "tools/list") as { tools: { readonly name: string }[] };
        assertEquals(tools.map((tool) => tool.name), workspaceTools.map((tool) => tool.name));
      });
      for (const [tool, [args, check]] of Object.entries(callsIn(way.folder, process.id))) {
        work.push(async () => check(await call(tool, args)));
      }
      work.push(async () => {
        const killed = await agent.post<{ readonly id: string }>("/api/v0/processes/start", { command: "sleep 600" });
        const { structuredContent } = await call("process_signal", { process_id: killed.id, signal: "kill" });
        assertEquals(structuredContent.success, true);
      });
    }

    await Promise.all(Array.from({ length: PARALLEL }, async () => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) await next();
    }));

    const all = workspaceTools.map((tool) => tool.name).sort();
    for (const name of ["stdio", "http"] as const) {
      assertEquals([...called[name]].sort(), all);
      assertEquals(await Deno.readTextFile(join(ways[name].folder, "written.txt")), "by the inspector");
      assertEquals(await Deno.readTextFile(join(ways[name].folder, "edit.txt")), "one\n2\n");
    }
    const { app_statuses: statuses } = await server.ask<{ app_statuses: { readonly message: string }[] }>(
      "/api/agents/dev",
    );
    const reported = statuses.map(({ message }) => message).sort();
    assertEquals(reported, [`from ${ways.http.folder}`, `from ${ways.stdio.folder}`]);
  },
});

/** Resolves when the control plane has seen the agent become ready. */
async function connected(server: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  const response = await fetch(`${server.http}/api/events`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  for await (const _ of response.body!) {
    const { lifecycle } = await server.ask<{ readonly lifecycle: string }>("/api/agents/dev");
    if (lifecycle === "ready") return;
  }
  throw new Error("the stream of events ended");
}
