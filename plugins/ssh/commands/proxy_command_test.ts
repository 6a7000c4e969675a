import { assertEquals } from "@std/assert";

import { programWords, proxyCommand } from "./proxy_command.ts";

Deno.test("programWords() finds the program from every directory, compiled or not", () => {
  const facts = { executable: "/bin/x", mainModule: "file:///a%20b/main.ts", cwd: "/", denoVersion: "2.9.6" };

  assertEquals(programWords({ ...facts, isCompiled: true }), ["/bin/x"]);
  assertEquals(programWords({ ...facts, isCompiled: false }), ["/bin/x", "run", "-q", "-A", "/a b/main.ts"]);
  assertEquals(
    programWords({ ...facts, isCompiled: false, mainModule: "https://x/main.ts" }).at(-1),
    "https://x/main.ts",
  );
});

Deno.test("proxyCommand() keeps words whole through ssh's percent signs and the shell", async () => {
  const words = ["printf", "<%s>", "plain", "two words", "it's", "$HOME", "100%", ""];

  const line = proxyCommand(words);

  const { stdout } = await new Deno.Command("sh", { args: ["-c", line.replaceAll("%%", "%")] }).output();
  assertEquals(new TextDecoder().decode(stdout), words.slice(2).map((word) => `<${word}>`).join(""));
});
