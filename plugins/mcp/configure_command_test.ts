import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { UsageError } from "../../core/cli/flags.ts";
import type { CommandContext } from "../../core/plugin.ts";
import { configureClient } from "./configure_command.ts";

interface Tried {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function configure(home: string, ...args: string[]): Promise<Tried> {
  return run({ HOME: home }, home, args);
}

async function run(env: Record<string, string>, cwd: string, args: readonly string[]): Promise<Tried> {
  const written = { out: "", err: "" };
  const ctx: CommandContext = {
    ...{ args, env, cwd, signal: new AbortController().signal, input: null },
    out: (text) => Promise.resolve(void (written.out += String(text))),
    err: (text) => Promise.resolve(void (written.err += String(text))),
    agent: () => Promise.reject(new Error("no agent is needed")),
    run: () => Promise.reject(new Error("no program is needed")),
  };
  const code = await configureClient(ctx);
  return { code, ...written };
}

async function inHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));

Deno.test("mcp configure claude-code adds the server to the project and keeps everything else", () =>
  inHome(async (home) => {
    const path = join(home, ".claude.json");
    const before = {
      theme: "dark",
      projects: {
        "/other": { allowedTools: [] },
        [join(home, "app")]: { history: ["x"], mcpServers: { files: { command: "files" } }, allowedTools: ["Bash"] },
      },
    };
    await Deno.writeTextFile(path, JSON.stringify(before), { mode: 0o640 });

    const { code } = await configure(
      home,
      "claude-code",
      "app",
      "--app-status-slug",
      "claude",
      "--unix",
      "/run/a.sock",
    );
    const again = await configure(home, "claude-code", "app", "--app-status-slug", "claude", "--unix", "/run/a.sock");

    const settings = await read(path);
    const project = settings.projects[join(home, "app")];
    assertEquals(code, 0);
    assertEquals([settings.theme, settings.projects["/other"], project.history], ["dark", { allowedTools: [] }, ["x"]]);
    assertEquals(project.mcpServers.files, { command: "files" });
    assertEquals(project.mcpServers.outpost.command, Deno.execPath());
    assertEquals(project.mcpServers.outpost.args.slice(-5), [
      ...["mcp", "--unix", "/run/a.sock", "--app-status-slug", "claude"],
    ]);
    assertEquals(project.allowedTools, ["Bash", "mcp__outpost__coder_report_task"]);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o640);
    assertEquals([...Deno.readDirSync(home)].length, 1);
    assertStringIncludes(again.out, "Nothing to change");
  }));

Deno.test("mcp configure makes files that are not there, private, where each client looks", () =>
  inHome(async (home) => {
    const desktop = Deno.build.os === "darwin" ? "Library/Application Support" : ".config";
    await configure(home, "claude-desktop");
    await configure(home, "cursor");
    await configure(home, "cursor", "app");
    await run({ HOME: home, CODER_MCP_ALLOWED_TOOLS: "execute" }, home, ["claude-code", ".", "--config", "mine.json"]);

    for (const file of [`${desktop}/Claude/claude_desktop_config.json`, ".cursor/mcp.json", "app/.cursor/mcp.json"]) {
      assertEquals((await read(join(home, file))).mcpServers.outpost.args.at(-1), "mcp");
      assertEquals((await Deno.stat(join(home, file))).mode! & 0o777, 0o600);
    }
    const own = (await read(join(home, "mine.json"))).projects[home];
    assertEquals(own.mcpServers.outpost.args.slice(-3), ["mcp", "--allowed-tools", "execute"]);
    assertEquals(own.allowedTools, undefined);
  }));

Deno.test("mcp configure --dry-run prints the file and changes nothing", () =>
  inHome(async (home) => {
    const { out } = await configure(home, "cursor", "--dry-run");

    assertEquals(JSON.parse(out).mcpServers.outpost.command, Deno.execPath());
    assertEquals([...Deno.readDirSync(home)], []);
  }));

Deno.test("mcp configure leaves a file alone that it cannot read, and says which", () =>
  inHome(async (home) => {
    const path = join(home, "settings.json");
    for (const text of ["{ // comment", "[]", `{"mcpServers": []}`]) {
      await Deno.writeTextFile(path, text);

      await assertRejects(() => configure(home, "cursor", "--config", path), Error, `Cannot change ${path}`);
      assertEquals(await Deno.readTextFile(path), text);
    }
  }));

Deno.test("mcp configure says what is wrong with its words", () =>
  inHome(async (home) => {
    await assertRejects(() => configure(home, "claud-code", "."), UsageError, `did you mean "claude-code"?`);
    await assertRejects(() => configure(home, "claude-code"), UsageError, "directory of the project is missing");
    await assertRejects(() => configure(home, "claude-desktop", "."), UsageError, "no settings per project");
    await assertRejects(
      () => configure(home, "cursor", "--ai-agentapi-url", "http://localhost:1"),
      UsageError,
      "--app-status-slug",
    );
    await assertRejects(
      () => configure(home, "cursor", "--app-status-slug", "a", "--ai-agentapi-url", "localhost"),
      UsageError,
      "is an address such as",
    );
    const { err } = await configure(home, "cursor", "--allowed-tools", "exekute,read_file");
    assertStringIncludes(err, `There is no tool "exekute" (did you mean "execute"?)`);
  }));
