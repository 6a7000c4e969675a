import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { RecordedIo } from "../recorded_io.ts";
import { run } from "../run.ts";

async function install(home: string, ...args: string[]) {
  const io = new RecordedIo({ env: { HOME: home }, cwd: home });
  const program = { build: { name: "outpost", version: "1.2.3" }, plugins: [], invocation: "outpost" };
  const code = await run(["install", ...args], io, program);
  return { code, out: io.output, err: io.errors };
}

async function inHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("install --systemd writes a unit of the user, replaces its own, and removes it", () =>
  inHome(async (home) => {
    const path = join(home, ".config/systemd/user/outpost.service");

    const first = await install(home, "--systemd", "--config", "agent.jsonc");
    const text = await Deno.readTextFile(path);
    const second = await install(home, "--systemd");
    const removed = await install(home, "--systemd", "--remove");
    const again = await install(home, "--systemd", "--remove");

    assertMatch(
      first.out,
      /^Wrote .*\nStart it: {2}systemctl --user daemon-reload && systemctl --user enable --now outpost\n/,
    );
    assertStringIncludes(text, ` start --config ${home}/agent.jsonc\n`);
    assertStringIncludes(first.out, "It runs from its source: ");
    assertStringIncludes(text, "Type=notify\n");
    assertEquals([first.code, second.code, removed.code, again.code], [0, 0, 0, 0]);
    assertStringIncludes(removed.out, "systemctl --user disable --now outpost");
    assertStringIncludes(again.out, "There is no ");
  }));

Deno.test("install --systemd leaves a unit alone that somebody else wrote", () =>
  inHome(async (home) => {
    const path = join(home, ".config/systemd/user/outpost.service");
    await Deno.mkdir(join(home, ".config/systemd/user"), { recursive: true });
    await Deno.writeTextFile(path, "[Service]\n");

    for (const args of [["--systemd"], ["--systemd", "--remove"]]) {
      const { code, err } = await install(home, ...args);

      assertEquals(code, 1);
      assertStringIncludes(err, `it was not written by "outpost install"`);
    }
    assertEquals(await Deno.readTextFile(path), "[Service]\n");
    assertEquals((await install(home, "--systemd", "--name", "mine")).code, 0);
  }));

Deno.test("install --systemd --system --dry-run prints a unit of the machine with its own socket", () =>
  inHome(async (home) => {
    const { out } = await install(home, "--systemd", "--system", "--run-as", "dev", "--name", "acme", "--dry-run");

    assertStringIncludes(out, " start --unix /run/acme/agent.sock\n");
    assertStringIncludes(out, "User=dev\nRuntimeDirectory=acme\n");
    assertEquals([...Deno.readDirSync(home)], []);
  }));

Deno.test("install --container prints how a container starts the agent", () =>
  inHome(async (home) => {
    const { out } = await install(home, "--container");

    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(out)![1]!);
    assertEquals([entry[0], entry.at(-1)], [Deno.execPath(), "start"]);
  }));

Deno.test("install says what is wrong with its flags", () =>
  inHome(async (home) => {
    const wrong: readonly (readonly [string[], string])[] = [
      [[], `"--systemd" and "--container"`],
      [["--systemd", "--container"], `"--systemd" and "--container"`],
      [["--systemd", "--run-as", "dev"], `needs "--system"`],
      [["--systemd", "--name", "../x"], "takes letters, digits"],
    ];
    for (const [args, message] of wrong) {
      const { code, err } = await install(home, ...args);

      assertEquals(code, 2);
      assertStringIncludes(err, message);
    }
  }));
