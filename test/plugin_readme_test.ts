/**
 * Every plugin's README has the same parts, so that a reader finds them without searching.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { readDefinition } from "../core/definition.ts";
import { standardPlugins } from "../plugins/standard.ts";
import { ROOT } from "./agent_process.ts";

/** Sections that no README may leave out; others may stand between them. */
const SECTIONS = ["Configuration", "Metrics", "Limits"];

for (const plugin of standardPlugins) {
  Deno.test(`plugins/${plugin.id}/README.md has a name, a description and the sections that all have`, async () => {
    const text = await Deno.readTextFile(`${ROOT}plugins/${plugin.id}/README.md`);
    const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);

    assert(text.startsWith(`# ${plugin.id}\n\n`), "the first line is the plugin's id");
    assert(/^# [^\n]+\n\n[^#|`\n][^\n]{20,}/.test(text), "a description follows the name");
    assertEquals(SECTIONS.filter((section) => !titles.includes(section)), []);
    assertEquals(titles.at(-1), "Limits");
  });

  Deno.test(`plugins/${plugin.id}/README.md names every setting`, async () => {
    const text = await Deno.readTextFile(`${ROOT}plugins/${plugin.id}/README.md`);
    const schema = readDefinition(plugin).definition?.config as
      | { readonly shape?: Readonly<Record<string, unknown>> }
      | undefined;

    const missing = Object.keys(schema?.shape ?? {}).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));

    assertEquals(missing, []);
  });
}
