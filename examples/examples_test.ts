import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { ROOT, startAgent } from "../test/agent_process.ts";
import { missingPrograms } from "../test/fixtures/real_desktop.ts";

Deno.test("hello.jsonc loads a plugin from a file", async () => {
  await using agent = await startAgent({ args: ["--config", join(ROOT, "examples/hello.jsonc")] });

  const response = await agent.fetch("/api/v0/hello");

  assertEquals(response.status, 200);
  assertEquals(await response.json(), { message: `Hello from ${Deno.build.os}` });
});

Deno.test("custom_agent.ts is an agent with its own name and plugins", async () => {
  const program = join(ROOT, "examples/custom_agent.ts");
  await using agent = await startAgent({ command: [Deno.execPath(), "run", "-A", program] });

  const { name, version, plugins } = agent.listening;

  assertEquals([name, version, plugins], ["acme-agent", "4.2.0", ["agentproc", "agentfiles", "hello"]]);
});

Deno.test("fix_a_bug.ts breaks a copy of this repository and mends it through the agent", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "examples/fix_a_bug.ts")],
    env: { NO_COLOR: "1" },
  }).output();

  const lines = new TextDecoder().decode(stdout).split("\n");
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(lines.filter((line) => line.endsWith(": red")).length, 1);
  assertEquals(lines.filter((line) => line.endsWith(": green")).length, 1);
  assertEquals(lines.filter((line) => /^ {5}\+ .*Math\.max\(/.test(line)).length, 1);
});

Deno.test("chat.ts shows a chat that mends a real repository, and how the repository changes meanwhile", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "examples/chat.ts")],
    env: { NO_COLOR: "1" },
  }).output();

  const lines = new TextDecoder().decode(stdout).split("\n");
  // The last one, because the repository may be shown clean before the edit too.
  const shown = (pattern: RegExp) => lines.findLastIndex((line) => pattern.test(line));
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const order = [
    /result +execute exit code 1 /,
    /result +read_file 5 lines/,
    /result +edit_files changed/,
    /git +shop on main: \+1 -1 lines/,
    /git +shop on main: clean/,
    /The last commit: Take the discount as a part of the price/,
  ].map(shown);
  assertEquals(order.filter((at) => at < 0), [], lines.join("\n"));
  assertEquals(order, order.toSorted((a, b) => a - b), lines.join("\n"));
});

const missing = missingPrograms("Xvnc", "openbox", "xterm");
Deno.test({
  name:
    "computer_use.ts lets a chat have a terminal opened, clicked and typed into by another, which sees that it happened" +
    (missing.length === 0 ? "" : ` (skipped: no program ${missing.join(", ")})`),
  ignore: missing.length > 0,
  async fn() {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "examples/computer_use.ts")],
      env: { NO_COLOR: "1" },
    }).output();

    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    // What is said in the two chats comes over two streams.
    assertEquals(lines.slice(-3).toSorted(), [
      "The terminal wrote: Grüße 漢字 from the model",
      "agent: The text is in the terminal.",
      "chat: It reports: The text is in the terminal.",
    ]);
    assertEquals(lines.filter((line) => line.startsWith("agent: The picture has changed")).length, 1);
  },
});
