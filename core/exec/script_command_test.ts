import { assertEquals } from "@std/assert";

import { commandOf, splitWords } from "./script_command.ts";

Deno.test("commandOf() takes the user's shell, or the interpreter of the first line with its words", () => {
  assertEquals(commandOf("echo hi", "/bin/zsh"), ["/bin/zsh", "-c", "echo hi"]);
  assertEquals(commandOf("#!/usr/bin/env -S bash -e\nls", "/bin/zsh"), [
    "/usr/bin/env",
    "-S",
    "bash",
    "-e",
    "-c",
    "#!/usr/bin/env -S bash -e\nls",
  ]);
  assertEquals(commandOf("  #!/bin/sh", "/bin/zsh"), ["/bin/sh", "-c", "  #!/bin/sh"]);
});

Deno.test("splitWords() keeps quoted words together", () => {
  const line = String.raw`a "b c" 'd "e' f"g h"i "x\"y"`;

  assertEquals(splitWords(line), ["a", "b c", 'd "e', "fg hi", 'x"y']);
});
