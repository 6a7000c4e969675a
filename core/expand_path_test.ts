import { assertEquals } from "@std/assert";

import { expandPath } from "./expand_path.ts";

Deno.test("expandPath() knows the home directory and variables, and leaves empty paths empty", () => {
  const variables = { HOME: "/home/ada", PROJECT: "site" };
  const cases: Readonly<Record<string, string>> = {
    "": "",
    "~": "/home/ada",
    "~/work": "/home/ada/work",
    "work": "/home/ada/work",
    "/srv/$PROJECT": "/srv/site",
    "${HOME}/${PROJECT}/../x": "/home/ada/x",
    "/a/$NOBODY/b": "/a/b",
    "~other": "/home/ada/~other",
  };

  for (const [path, expected] of Object.entries(cases)) assertEquals(expandPath(path, variables), expected, path);
});

Deno.test("expandPath() gives up without a home directory instead of guessing", () => {
  assertEquals([expandPath("work", {}), expandPath("/abs", {})], ["", "/abs"]);
});
