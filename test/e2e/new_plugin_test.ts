/** A plugin that `outpost new plugin` wrote is green at once, wherever it was written. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { isolatedEnv, ROOT, startAgent } from "../agent_process.ts";

interface Ran {
  readonly code: number;
  readonly text: string;
}

async function deno(cwd: string, ...args: string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: isolatedEnv(cwd),
    clearEnv: true,
    stdin: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function inTemporary(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-new-" });
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("outpost new plugin writes a project outside of the repository that is green and runs", () =>
  inTemporary(async (dir) => {
    const made = await deno(dir, "run", "-A", join(ROOT, "main.ts"), "new", "plugin", "my-notes");
    assertEquals(made.code, 0, made.text);

    const ok = await deno(join(dir, "my-notes"), "task", "ok");
    assertEquals(ok.code, 0, ok.text);
    assertStringIncludes(ok.text, "conformance of my-notes: ");

    await using agent = await startAgent({ args: ["--config", join(dir, "my-notes/example.jsonc")] });
    assertEquals(await agent.post("/api/v0/my-notes/Ada", {}), { message: "Good day, Ada" });
  }));

Deno.test("outpost new plugin writes tasks whose agent knows what the plugin's own deno.json imports", () =>
  inTemporary(async (dir) => {
    const folder = join(dir, "my-notes");
    await deno(dir, "run", "-A", join(ROOT, "main.ts"), "new", "plugin", "my-notes");
    const settings = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
    settings.imports["my-words"] = "./words.ts";
    await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(settings));
    await Deno.writeTextFile(join(folder, "words.ts"), "export {};\n");
    const plugin = await Deno.readTextFile(join(folder, "plugin.ts"));
    await Deno.writeTextFile(join(folder, "plugin.ts"), `import "my-words";\n${plugin}`);
    const check = (command: string) =>
      deno(folder, ...command.split(" ").slice(1), "check", "--config", "example.jsonc");
    const start = String(settings.tasks.start).replace(/ start .*$/, " config");

    const asTask = await check(start);
    const without = await check(start.replace("--config deno.json ", ""));

    assertEquals(asTask.code, 0, asTask.text);
    assertEquals(without.code, 2, without.text);
    assertStringIncludes(without.text, `start the agent with "deno run --config ${folder}/deno.json …"`);
  }));

Deno.test("outpost new plugin writes a plugin inside of the checkout that its linter and tests accept", () =>
  inTemporary(async (dir) => {
    for (const name of ["client", "core", "plugins", "tools", "deno.json", "deno.lock", "main.ts", "mod.ts"]) {
      await new Deno.Command("cp", { args: ["-r", join(ROOT, name), dir] }).output();
    }
    const made = await deno(dir, "run", "-A", "main.ts", "new", "plugin", "my-notes", "--dir", "plugins/my-notes");
    assertEquals(made.code, 0, made.text);

    for (const words of ["fmt --check", "lint", "check", "test -A"]) {
      const ran = await deno(dir, ...words.split(" "), "plugins/my-notes");
      assertEquals(ran.code, 0, `deno ${words}: ${ran.text}`);
    }
  }));

Deno.test("outpost new plugin touches no file that is there, and says what an id can be", () =>
  inTemporary(async (dir) => {
    const make = (...words: string[]) => deno(dir, "run", "-A", join(ROOT, "main.ts"), "new", "plugin", ...words);
    await Deno.mkdir(join(dir, "mine"));
    await Deno.writeTextFile(join(dir, "mine/config.ts"), "mine");

    const taken = await make("mine");
    const [wrong, known, source] = [
      await make("My Notes!"),
      await make("agentproc"),
      await make("a1", "--agent", "npm:x"),
    ];

    assertEquals([taken.code, wrong.code, known.code, source.code], [2, 2, 2, 2]);
    assertStringIncludes(taken.text, 'config.ts" is there already');
    assertEquals([...Deno.readDirSync(join(dir, "mine"))].length, 1);
    assertStringIncludes(wrong.text, `"My Notes!" cannot be a plugin's id`);
    assertStringIncludes(wrong.text, 'starting with a letter, such as "my-notes"');
    assertStringIncludes(known.text, '"agentproc" is a plugin of this agent already');
    assertStringIncludes(source.text, "expected a path, or jsr:");
  }));
