/** What a stranger has who has no checkout: the agent as a package, published to a registry on loopback and taken from there. */
import { assertEquals, AssertionError, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { isolatedEnv, startAgent } from "../agent_process.ts";
import { startRegistry } from "../loopback_registry.ts";

const PACKAGE = "jsr:@outpost/agent@0.1.0";

interface Stranger {
  readonly dir: string;
  readonly env: Record<string, string>;
  /** Runs `deno` in `dir`, or in a folder below, and returns what it printed. @throws {AssertionError} If it fails. */
  deno(args: readonly string[], below?: string): Promise<string>;
}

async function asStranger(use: (stranger: Stranger) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-stranger-" });
  await using registry = startRegistry();
  const host = new URL(registry.url);
  // The compiler that a machine keeps for itself is not to be fetched again.
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  const denort = Deno.env.get("DENORT_BIN");
  const env = isolatedEnv(dir, {
    ...{ JSR_URL: registry.url, XDG_CACHE_HOME: cache },
    ...(denort === undefined ? {} : { DENORT_BIN: denort }),
  });
  try {
    await registry.publish();
    await use({
      dir,
      env,
      async deno(args, below = "") {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          ...{ args: [...args], cwd: join(dir, below), env, clearEnv: true },
          stdin: "null",
        }).output();
        const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        assertEquals(code, 0, text);
        return text;
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
    for (const kind of ["remote", "gen"]) {
      const cached = join(env.DENO_DIR!, kind, "http", `${host.hostname}_PORT${host.port}`);
      await Deno.remove(cached, { recursive: true }).catch(() => {}); // Nothing of this kind was cached.
    }
  }
}

Deno.test("the published agent runs, and a plugin that it writes is green and runs", () =>
  asStranger(async ({ dir, env, deno }) => {
    const main = ["run", "-A", "--no-lock", `${PACKAGE}/main`];
    assertStringIncludes(await deno([...main, "version"]), "outpost 0.1.0");
    await deno([...main, "new", "plugin", "notes"]);

    const ok = await deno(["task", "ok"], "notes");
    assertStringIncludes(ok, "conformance of notes: ");

    const outside = await assertRejects(
      () => deno([...main, "config", "check", "--config", "notes/example.jsonc"]),
      AssertionError,
    );
    const advice = `start the agent with "deno run --config ${join(dir, "notes/deno.json")} …"`;
    assertMatch(outside.message, /"@outpost\/agent\S*" is imported at file:\S+\/notes\//);
    assertStringIncludes(outside.message, advice);

    // As "deno task start" does in the plugin's folder: its deno.json says what "@outpost/agent" is.
    const command = [Deno.execPath(), "run", "-A", "--config", join(dir, "notes/deno.json"), `${PACKAGE}/main`];
    await using agent = await startAgent({ command, env, args: ["--config", join(dir, "notes/example.jsonc")] });
    assertEquals(await agent.post("/api/v0/notes/Ada", {}), { message: "Good day, Ada" });
  }));

Deno.test("outpost build makes a binary of the published agent and a plugin of one's own", () =>
  asStranger(async ({ dir, env, deno }) => {
    const main = ["run", "-A", "--no-lock", `${PACKAGE}/main`];
    await deno([...main, "new", "plugin", "notes"]);
    const manifest = {
      ...{ name: "acme-agent", version: "4.2.0", agent: PACKAGE },
      plugins: ["standard/agentproc", "./notes/mod.ts"],
    };
    await Deno.writeTextFile(join(dir, "outpost.build.jsonc"), JSON.stringify(manifest));

    await deno([...main, "build"]);

    const report = await Deno.readTextFile(join(dir, "acme-agent.build.txt"));
    assertMatch(report, /^ {2}@outpost\/agent +\d+$/m);
    assertMatch(report, /^ {2}notes +0\.1\.0 +experimental +none$/m);
    await using agent = await startAgent({ command: [join(dir, "dist/acme-agent")], env });
    const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "echo here" });
    const output = await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json();
    assertEquals(output.output, "here\n");
    assertEquals(await agent.post("/api/v0/notes/Ada", {}), { message: "Hello, Ada" });
  }));
