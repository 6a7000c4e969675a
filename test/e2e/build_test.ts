/** `outpost build`, from a manifest to a binary that runs. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type Ended, isolatedEnv, runAgent, startAgent } from "../agent_process.ts";

const OWN_PLUGIN = `import { definePlugin, type Plugin } from "@outpost/agent";

const notes: Plugin = definePlugin({
  id: "notes",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Notes.",
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text("noted"));
  },
});
export default notes;
`;

interface Project {
  readonly dir: string;
  readonly env: Record<string, string>;
  write(name: string, text: string): Promise<void>;
  outpost(...args: string[]): Promise<Ended>;
}

async function inProject(use: (project: Project) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-build-" });
  // The compiler that a machine keeps for itself is not to be fetched again.
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  const more: Record<string, string> = { XDG_CACHE_HOME: cache };
  const denort = Deno.env.get("DENORT_BIN");
  if (denort !== undefined) more.DENORT_BIN = denort;
  const env = isolatedEnv(dir, more);
  try {
    await use({
      ...{ dir, env },
      write: (name, text) => Deno.writeTextFile(join(dir, name), text),
      outpost: (...args) => runAgent(args, { env, cwd: dir }),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("outpost build makes a binary with the plugins of a manifest, and says what is inside", () =>
  inProject(async ({ dir, write, outpost }) => {
    await write("notes.ts", OWN_PLUGIN);
    await write(
      "outpost.build.jsonc",
      `{ "name": "acme-agent", "version": "4.2.0", "plugins": ["standard/agentproc", "./notes.ts"] }`,
    );

    const built = await outpost("build");

    assertEquals(built.code, 0, [...built.stdout, ...built.stderr].join("\n"));
    const report = await Deno.readTextFile(join(dir, "acme-agent.build.txt"));
    assertStringIncludes(report, "acme-agent 4.2.0 for the machine it is built on");
    assertStringIncludes(report, "--allow-run");
    assertEquals(/^Plugins: 2$/m.test(report) && /^ {2}notes +1\.0\.0 +stable +none$/m.test(report), true, report);
    assertEquals(report.includes("plugins/ssh"), false, "nothing else is inside");

    await using agent = await startAgent({ command: [join(dir, "dist/acme-agent")] });
    assertEquals(await (await agent.fetch("/api/v0/notes")).text(), "noted");
    const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "echo here" });
    const output = await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json();
    assertEquals(output.output, "here\n");
  }));

Deno.test("outpost build for several machines puts nothing in place when one of them cannot be had", () =>
  inProject(async ({ dir, env, write, outpost }) => {
    const targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
    const manifest = { name: "acme", version: "1.0.0", plugins: ["standard/agentproc"], targets };
    await write("outpost.build.jsonc", JSON.stringify(manifest));
    // Nobody listens there: what is not on this machine cannot be downloaded.
    env.HTTPS_PROXY = "http://127.0.0.1:1";
    delete env.DENORT_BIN;

    const { code, stdout, stderr } = await outpost("build");

    assertEquals(code, 1, stdout.join("\n"));
    const text = stderr.join("\n");
    assertEquals(
      /Cannot build \(compile\): for \w+-unknown-linux-gnu, and nothing was put in place/.test(text),
      true,
      text,
    );
    assertStringIncludes(
      stdout.join("\n"),
      "6/7 compile dist/acme-x86_64-unknown-linux-gnu for x86_64-unknown-linux-gnu",
    );
    assertStringIncludes(stdout.join("\n"), `acme 1.0.0 for ${targets.join(", ")}`);
    const left = [...Deno.readDirSync(join(dir, "dist"))].map(({ name }) => name);
    assertEquals(left.filter((name) => !/^(acme\.entry\.ts|deno\.json)$/.test(name)), []);
  }));

Deno.test("outpost build ends at the step that fails, with the plugin and its file", () =>
  inProject(async ({ write, outpost }) => {
    const build = async (plugins: string[]) => {
      await write("outpost.build.jsonc", JSON.stringify({ name: "acme", version: "1.0.0", plugins }));
      const { code, stderr } = await outpost("build", "--report-only");
      return { code, text: stderr.join("\n") };
    };
    await write("notes.ts", OWN_PLUGIN);
    await write("again.ts", OWN_PLUGIN);
    await write("newer.ts", OWN_PLUGIN.replace("api: 1", "api: 2 as 1").replace('"notes"', '"newer"'));
    await write("typo.ts", OWN_PLUGIN.replace("ctx.routes", "ctx.rootes"));

    const missing = await build(["./nowhere.ts", "./again.ts", "./neither.ts"]);
    const mistyped = await build(["./typo.ts"]);
    const twice = await build(["./notes.ts", "./again.ts"]);
    const newer = await build(["./newer.ts"]);
    const unknown = await build(["standard/agentprok"]);

    assertEquals([missing, mistyped, twice, newer, unknown].map(({ code }) => code), [2, 1, 1, 1, 2]);
    assertEquals(missing.text.match(/plugins\.\d: there is no file "[^"]+\.ts"/g)?.length ?? missing.text, 2);
    assertStringIncludes(mistyped.text, "Cannot build (check types)");
    assertStringIncludes(mistyped.text, "typo.ts:10:");
    assertStringIncludes(twice.text, 'plugin "notes" is listed twice');
    assertStringIncludes(newer.text, "needs contract 2");
    assertStringIncludes(newer.text, 'from "./newer.ts"');
    assertStringIncludes(unknown.text, 'did you mean "agentproc"?');
  }));

Deno.test("outpost build --from-config takes the plugins that a configuration runs", () =>
  inProject(async ({ write, outpost }) => {
    await write("notes.ts", OWN_PLUGIN);
    const off = ["agentgit", "mcp", "terminals"].map((id) => [id, false]);
    await write(
      "agent.jsonc",
      JSON.stringify({ plugins: { ...Object.fromEntries(off), notes: { from: "./notes.ts" } } }),
    );

    const { code, stdout, stderr } = await outpost("build", "--from-config", "agent.jsonc", "--report-only");

    const text = stdout.join("\n");
    assertEquals(code, 0, `${text}${stderr.join("\n")}`);
    assertEquals([/^ {2}notes /m, /^ {2}agentproc /m, /^ {2}mcp /m].map((line) => line.test(text)), [
      true,
      true,
      false,
    ]);
  }));
