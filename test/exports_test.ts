import { assertEquals } from "@std/assert";

import { ROOT } from "./agent_process.ts";

async function exported(): Promise<Record<string, string>> {
  return (JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as { exports: Record<string, string> }).exports;
}

Deno.test("exports names every built-in plugin after its folder", async () => {
  const exports = await exported();
  const standard = await Deno.readTextFile(`${ROOT}plugins/standard.ts`);
  const builtIn = [...standard.matchAll(/from "\.\/([^/"]+)\/mod\.ts"/g)].map(([, id]) => id!);

  const missing = builtIn.filter((id) => exports[`./plugins/${id}`] !== `./plugins/${id}/mod.ts`);

  assertEquals(missing, []);
});

Deno.test("the README's table of plugins names every built-in plugin, once", async () => {
  const { standardPlugins } = await import("../plugins/standard.ts");
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const rows = [...readme.matchAll(/^\| \[([a-z0-9-]+)\]\(plugins\/\1\/README\.md\)/gm)].map(([, id]) => id!);

  assertEquals(rows.toSorted(), standardPlugins.map(({ id }) => id).toSorted());
});

Deno.test("exports lists files that are there", async () => {
  for (const [name, path] of Object.entries(await exported())) {
    assertEquals(await Deno.stat(ROOT + path).then((stat) => stat.isFile, () => false), true, `${name}: ${path}`);
  }
});
