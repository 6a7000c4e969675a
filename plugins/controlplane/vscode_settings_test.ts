import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";

import type { LogFields, Logger } from "../../core/plugin.ts";
import { withSettings, writeVsCodeSettings } from "./vscode_settings.ts";

const BOTH = { "git.useIntegratedAskPass": false, "github.gitAuthentication": false };

function warnings(): { readonly log: Logger; readonly fields: LogFields[] } {
  const fields: LogFields[] = [];
  const ignore = () => {};
  return {
    fields,
    log: { debug: ignore, info: ignore, error: ignore, warn: (_, more) => void fields.push(more ?? {}) },
  };
}

Deno.test("withSettings() adds to JSON, and leaves what is right as it is", () => {
  assertEquals(JSON.parse(withSettings("{}")), BOTH);
  assertEquals(JSON.parse(withSettings("")), BOTH);
  assertEquals(JSON.parse(withSettings('{"a": 1, "github.gitAuthentication": true}')), { a: 1, ...BOTH });
  const right = `{ "a": 1, ${JSON.stringify(BOTH).slice(1)}`;
  assertEquals(withSettings(right), right);
});

Deno.test("withSettings() keeps comments", () => {
  const text = '// { mine\n/* { */ {\n  // big\n  "editor.fontSize": 18,\n}\n';

  assertEquals(
    withSettings(text),
    '// { mine\n/* { */ {\n\t"git.useIntegratedAskPass": false,\n\t"github.gitAuthentication": false,\n  // big\n  "editor.fontSize": 18,\n}\n',
  );
  assertEquals(withSettings(withSettings(text)), withSettings(text));
});

Deno.test("withSettings() refuses what it would have to guess about", () => {
  for (const text of ["[]", "{", "null", '{ // mine\n"git.useIntegratedAskPass": true }']) {
    assertThrows(() => withSettings(text), SyntaxError);
  }
});

Deno.test("writeVsCodeSettings() makes each editor's file privately, keeps settings, and warns about what it cannot read", async () => {
  const home = await Deno.makeTempDir();
  const cursor = join(home, ".cursor-server/data/Machine/settings.json");
  const windsurf = join(home, ".windsurf-server/data/Machine/settings.json");
  for (const [path, text] of [[cursor, '{"mine": true}'], [windsurf, "not json"]] as const) {
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  const { log, fields } = warnings();

  await writeVsCodeSettings({ HOME: home }, log);

  const read = async (path: string) => JSON.parse(await Deno.readTextFile(join(home, path, "Machine/settings.json")));
  for (
    const path of [
      ".local/share/code-server",
      ".vscode-server/data",
      ".vscode-insiders-server/data",
      ".vscodium-server/data",
    ]
  ) {
    assertEquals(await read(path), BOTH);
  }
  const { mode } = await Deno.stat(join(home, ".vscode-server/data/Machine/settings.json"));
  assertEquals([mode! & 0o777, (await Deno.stat(join(home, ".vscode-server"))).mode! & 0o777], [0o600, 0o700]);
  assertEquals(await read(".cursor-server/data"), { mine: true, ...BOTH });
  assertEquals(await Deno.readTextFile(windsurf), "not json");
  assertEquals(fields.map(({ path }) => path), [windsurf]);
  assertEquals((await Array.fromAsync(Deno.readDir(join(home, ".cursor-server/data/Machine")))).length, 1);
  await Deno.remove(home, { recursive: true });
});

Deno.test("writeVsCodeSettings() finds code-server where XDG_DATA_HOME says, and writes nothing without a home", async () => {
  const home = await Deno.makeTempDir();
  const { log, fields } = warnings();

  await writeVsCodeSettings({ HOME: home, XDG_DATA_HOME: join(home, "data") }, log);
  await writeVsCodeSettings({}, log);

  assertEquals((await Deno.stat(join(home, "data/code-server/Machine/settings.json"))).isFile, true);
  assertEquals(fields, [{ reason: "the home directory is not known" }]);
  await Deno.remove(home, { recursive: true });
});

Deno.test("writeVsCodeSettings() leaves a link a link, and a file its mode", async () => {
  const home = await Deno.makeTempDir();
  const dotfile = join(home, "dotfiles.json");
  await Deno.writeTextFile(dotfile, "{}");
  await Deno.chmod(dotfile, 0o644);
  const link = join(home, ".cursor-server/data/Machine/settings.json");
  await Deno.mkdir(join(link, ".."), { recursive: true });
  await Deno.symlink(dotfile, link);

  await writeVsCodeSettings({ HOME: home }, warnings().log);

  assertEquals((await Deno.lstat(link)).isSymlink, true);
  assertEquals(JSON.parse(await Deno.readTextFile(dotfile)), BOTH);
  assertEquals((await Deno.stat(dotfile)).mode! & 0o777, 0o644);
  await Deno.remove(home, { recursive: true });
});
