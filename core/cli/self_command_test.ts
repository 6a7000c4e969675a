import { assertEquals } from "@std/assert";

import { selfCommand } from "./self_command.ts";

Deno.test("selfCommand() is the binary alone, or Deno with the module that was started", () => {
  const facts = { executable: "/usr/bin/deno", mainModule: "file:///srv/out%20post/main.ts" };

  assertEquals(selfCommand({ ...facts, isCompiled: true }), ["/usr/bin/deno"]);
  assertEquals(selfCommand({ ...facts, isCompiled: false }), ["/usr/bin/deno", "run", "-A", "/srv/out post/main.ts"]);
  assertEquals(
    selfCommand({ ...facts, isCompiled: false, mainModule: "jsr:@acme/agent@1.0.0" }).at(-1),
    "jsr:@acme/agent@1.0.0",
  );
});
