import { assertEquals } from "@std/assert";

import { childCommand } from "./own_command.ts";

Deno.test("childCommand() keeps what stands before the program's own words, and tells the child not to be a parent", () => {
  const args = ["start", "--dir", "/a b", "--"];

  const fromSource = { commandLine: ["deno", "run", "-A", "main.ts", ...args], args, executable: "/usr/bin/deno" };
  assertEquals(childCommand(fromSource), {
    path: "/usr/bin/deno",
    argv: ["deno", "run", "-A", "main.ts", "start", "--no-reap", "--dir", "/a b", "--"],
  });

  assertEquals(childCommand({ commandLine: ["outpost", ...args], args, executable: "/opt/outpost" }), {
    path: "/opt/outpost",
    argv: ["outpost", "start", "--no-reap", "--dir", "/a b", "--"],
  });
});
