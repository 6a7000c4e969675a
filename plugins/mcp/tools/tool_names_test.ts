import { assertEquals } from "@std/assert";

import { workspaceTools } from "./mod.ts";
import { WORKSPACE_TOOL_NAMES } from "./tool_names.ts";

Deno.test("the names of the workspace tools are those of the tools", () => {
  assertEquals(WORKSPACE_TOOL_NAMES, workspaceTools.map(({ name }) => name));
});
