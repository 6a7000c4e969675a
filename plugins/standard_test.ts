import { assertEquals } from "@std/assert";

import { STANDARD_PLUGINS } from "../core/config/standard_plugins.ts";
import { standardPlugins } from "./standard.ts";

Deno.test("standardPlugins has exactly the ids that the core knows as part of this version", () => {
  assertEquals(standardPlugins.map((plugin) => plugin.id), [...STANDARD_PLUGINS]);
});
