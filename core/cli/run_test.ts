import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type CommandSpec, definePlugin, type Plugin } from "../plugin.ts";
import { RecordedIo, type RecordedIoOptions } from "./recorded_io.ts";
import { run } from "./run.ts";

function pluginWith(commands: readonly CommandSpec[]): Plugin {
  return definePlugin({
    ...{
      id: "acme",
      version: "1.0.0",
      api: 1,
      summary: "Does acme things.",
      stability: "stable",
      setup() {},
      commands,
    },
  });
}

function command(name: string, work: Awaited<ReturnType<CommandSpec["load"]>>): CommandSpec {
  return { name, summary: `Does ${name}.`, usage: "[WORD]", load: () => Promise.resolve(work) };
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runWith(plugins: readonly Plugin[], args: string[], options: RecordedIoOptions = {}): Promise<Outcome> {
  const io = new RecordedIo(options);
  const program = { build: { name: "outpost", version: "1.2.3" }, plugins, invocation: "outpost" };
  const code = await run(args, io, program);
  return { code, out: io.output, err: io.errors };
}

Deno.test("run() shows all commands without words, and for help", async () => {
  const plugins = [pluginWith([command("sync ping", () => Promise.resolve(0))])];

  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    const { code, out } = await runWith(plugins, args);
    assertEquals(code, 0);
    assertStringIncludes(out, "outpost 1.2.3");
    for (const name of ["start", "exec", "config check", "sync ping"]) assertStringIncludes(out, `\n  ${name} `);
  }
});

Deno.test("run() shows one command's help in three spellings", async () => {
  const texts = await Promise.all(
    [["help", "exec"], ["exec", "--help"], ["exec", "-h"]].map((args) => runWith([], args)),
  );

  for (const { code, out } of texts) {
    assertEquals(code, 0);
    assertStringIncludes(out, "Usage: outpost exec [FLAGS] [--] COMMAND [ARGUMENTS]");
    assertStringIncludes(out, "--cwd DIR");
  }
});

Deno.test("run() has a help with a summary and every flag for every command", async () => {
  const { CORE_COMMANDS } = await import("./commands/mod.ts");

  for (const { name, flags, summary } of CORE_COMMANDS) {
    const { code, out } = await runWith([], ["help", ...name.split(" ")]);
    assertEquals(code, 0);
    assertStringIncludes(out, summary);
    for (const flag of flags) assertStringIncludes(out, `--${flag.name}`);
  }
});

Deno.test("run() shows whose a plugin's command is", async () => {
  const { out } = await runWith([pluginWith([command("sync", () => Promise.resolve(0))])], ["sync", "--help"]);

  assertStringIncludes(out, "Usage: outpost sync [WORD]");
  assertStringIncludes(out, 'comes from the plugin "acme"');
});

Deno.test("run() gives a plugin's command its words and passes on its exit code", async () => {
  const plugin = pluginWith([command("sync ping", async (ctx) => {
    await ctx.out(`${ctx.args.join("|")} in ${ctx.cwd} with ${ctx.env.A}\n`);
    await ctx.err("careful\n");
    return 7;
  })]);

  const outcome = await runWith([plugin], ["sync", "ping", "a", "--b", "--help"], { cwd: "/w", env: { A: "1" } });

  assertEquals(outcome, { code: 7, out: "a|--b|--help in /w with 1\n", err: "careful\n" });
});

Deno.test("run() exits with 2 for wrong usage, says what is wrong and where help is", async () => {
  const outcome = await runWith([], ["statr"]);

  assertEquals(outcome, {
    code: 2,
    out: "",
    err: 'Unknown command "statr" (did you mean "start"?)\nSee: outpost help\n',
  });
  assertEquals((await runWith([], ["version", "--bogus"])).code, 2);
  assertEquals((await runWith([], ["version", "word"])).code, 2);
});

Deno.test("run() exits with 2 for a wrong configuration", async () => {
  const { code, err } = await runWith([], ["config", "check", "--set", "agent.bogus=1"]);

  assertEquals(code, 2);
  assertStringIncludes(err, "--set: agent.bogus: unknown key");
});

Deno.test("run() exits with 1 when a command throws, and when no agent runs", async () => {
  const broken = pluginWith([command("sync", () => Promise.reject(new Error("broken")))]);
  assertEquals(await runWith([broken], ["sync"]), { code: 1, out: "", err: "Error: broken\n" });

  const lonely = await runWith([], ["ps", "--unix", "/missing/a.sock"]);
  assertEquals(lonely.code, 1);
  assertStringIncludes(lonely.err, 'tried "/missing/a.sock"\nStart one with: outpost start\n');
});

Deno.test("run() aborts a command at the first signal and takes its own code when it ends in order", async () => {
  const io = new RecordedIo();
  const plugin = pluginWith([command("sync", async ({ signal, out }) => {
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await out("working");
    await aborted;
    return 3;
  })]);

  const running = run(["sync"], io, { build: { name: "o", version: "1" }, plugins: [plugin], invocation: "o" });
  await io.outputs(/working/);
  io.signal("SIGINT");

  assertEquals(await running, 3);
});

Deno.test("run() exits as a shell reports signals when a command passes the abort on, or does not care", async () => {
  const honest = command("honest", async ({ signal, out }) => {
    await out("working");
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return 0;
  });
  const deaf = command("deaf", async ({ out }) => {
    await out("working");
    return await new Promise<number>(() => {});
  });

  for (const [name, times, code] of [["honest", 1, 130], ["deaf", 2, 130]] as const) {
    const io = new RecordedIo();
    const program = { build: { name: "o", version: "1" }, plugins: [pluginWith([honest, deaf])], invocation: "o" };
    const running = run([name], io, program);
    await io.outputs(/working/);
    for (let time = 0; time < times; time++) io.signal("SIGINT");
    assertEquals(await running, code);
    assertEquals(io.errors, "");
  }
});

Deno.test("run() prints the version for version and for the flag", async () => {
  assertEquals((await runWith([], ["version"])).out, "outpost 1.2.3\n");
  assertEquals((await runWith([], ["--version"])).out, "outpost 1.2.3\n");
  assertEquals(JSON.parse((await runWith([], ["version", "--json"])).out).version, "1.2.3");
});

Deno.test("run() writes the schema to standard output, or to a file that config check accepts as $schema", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const plugins = [pluginWith([])];
    const schema = JSON.parse((await runWith(plugins, ["config", "schema"])).out);
    assert("acme" in schema.properties.plugins.properties);

    await runWith(plugins, ["config", "schema", "s.json"], { cwd: directory });
    assertEquals(JSON.parse(await Deno.readTextFile(join(directory, "s.json"))), schema);

    await Deno.writeTextFile(join(directory, "a.jsonc"), '{ "$schema": "./s.json", "plugins": { "acme": false } }');
    const checked = await runWith(plugins, ["config", "check", "--config", "a.jsonc"], { cwd: directory });
    assertEquals(checked, {
      code: 0,
      out: `${directory}/a.jsonc: no problems; plugins: 0 to run, 1 disabled, 0 skipped\n`,
      err: "",
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("run() prints the configuration in force with origins", async () => {
  const { out } = await runWith([], ["config", "print", "--set", "agent.token=geheim"]);

  assertStringIncludes(out, 'agent.token = "[redacted]"  // --set\n');
  assertStringIncludes(out, 'agent.log.level = "info"  // default\n');
});

Deno.test("run() lists plugins and explains one, without an agent", async () => {
  const plugins = [pluginWith([])];
  const nowhere = { env: { XDG_RUNTIME_DIR: "/missing" } };

  const list = await runWith(plugins, ["plugins", "--set", "plugins.acme=false"], nowhere);
  assertStringIncludes(list.out, "acme");
  assertStringIncludes(list.out, "switched off in the configuration");

  const json = JSON.parse((await runWith(plugins, ["plugins", "--why", "acme", "--json"], nowhere)).out);
  assertEquals([json[0].id, json[0].state, json[0].built_in], ["acme", "would run", true]);

  const unknown = await runWith(plugins, ["plugins", "--why", "acne"], nowhere);
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.err, 'did you mean "acme"?');
});

Deno.test("run() lets doctor run the plugins' checks, one that throws included", async () => {
  const plugin = definePlugin({
    ...{ id: "acme", version: "1.0.0", api: 1, summary: "Does acme things.", stability: "stable", setup() {} },
    checks: [
      { name: "fine", summary: "", load: () => Promise.resolve(() => Promise.resolve({ status: "ok", found: "yes" })) },
      { name: "bad", summary: "", load: () => Promise.reject(new Error("no module")) },
    ],
  });

  const { code, out } = await runWith([plugin], ["doctor"], { env: { XDG_RUNTIME_DIR: "/missing" } });

  assertEquals(code, 1);
  assert(/^ok +acme: fine +yes$/m.test(out), out);
  assert(/^problem +acme: bad +the check itself failed: no module$/m.test(out), out);
  assert(/^warning +agent +Cannot find a running agent/m.test(out), out);
});

Deno.test("run() gives a line that a command claims to that command, whole", async () => {
  const seen: (readonly string[])[] = [];
  const asking: CommandSpec = {
    ...command("ask", (ctx) => {
      seen.push(ctx.args);
      return Promise.resolve(0);
    }),
    claims: ({ args, env }) => args.length === 1 && args[0]!.startsWith("Username ") && env.CALLED === "yes",
  };
  const line = ["Username for you: "];

  const claimed = await runWith([pluginWith([asking])], line, { env: { CALLED: "yes" } });
  const unknown = await runWith([pluginWith([asking])], line);

  assertEquals([claimed.code, seen], [0, [line]]);
  assertEquals(unknown.code, 2);
});

Deno.test("run() waits for a command that cleans up, also after a second signal", async () => {
  const io = new RecordedIo();
  const cleaned = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const spec: CommandSpec = {
    ...command("careful", async (ctx) => {
      started.resolve();
      await cleaned.promise;
      return ctx.signal.aborted ? 42 : 0;
    }),
    cleansUp: true,
  };
  const program = {
    build: { name: "outpost", version: "1.2.3" },
    plugins: [pluginWith([spec])],
    invocation: "outpost",
  };

  const running = run(["careful"], io, program);
  await started.promise;
  io.signal("SIGTERM");
  io.signal("SIGTERM");
  cleaned.resolve();

  assertEquals(await running, 42);
});
