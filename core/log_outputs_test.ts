import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import type { AgentSettings } from "./config/agent_settings.ts";
import { createLogger } from "./log.ts";
import { openLogOutputs } from "./log_outputs.ts";

type Outputs = NonNullable<AgentSettings["log"]["outputs"]>;
const clock = { now: () => Date.parse("2026-01-02T03:04:05Z") };
const open = (outputs: Outputs) => openLogOutputs({ level: "info", format: "json", outputs });

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openLogOutputs() writes each line where its level is wanted, in the form that is wanted there", () =>
  inDirectory(async (directory) => {
    const to = (name: string) => join(directory, "made", name);
    const none = { maxBytes: 0, backups: 0 };
    {
      using outputs = await open([
        { to: to("all"), format: "json", level: "debug", ...none },
        { to: to("people"), format: "pretty", ...none },
        { to: to("cloud"), format: "stackdriver", level: "warn", ...none },
      ]);
      const log = createLogger({ category: ["a", "b"], clock, sink: outputs.sink, level: outputs.level });

      log.debug("small");
      log.info("middle", { at: "x y" });
      log.warn("large", { severity: "not this", port: 5 });
      assertEquals([outputs.level, outputs.failures], ["debug", []]);
    }
    const lines = async (name: string) => (await Deno.readTextFile(to(name))).trimEnd().split("\n");

    assertEquals((await lines("all")).map((line) => JSON.parse(line).message), ["small", "middle", "large"]);
    assertEquals((await lines("people")).map((line) => /(middle|large) .*/.exec(line)?.[0]), [
      'middle at="x y"',
      'large severity="not this" port=5',
    ]);
    assertEquals((await lines("cloud")).map((line) => JSON.parse(line)), [
      { severity: "WARNING", message: "large", time: "2026-01-02T03:04:05.000Z", logger: "a.b", port: 5 },
    ]);
  }));

Deno.test("openLogOutputs() goes on without an output that cannot be opened, and says so", () =>
  inDirectory(async (directory) => {
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "");
    const bad = { to: join(file, "inside"), format: "json" as const, maxBytes: 0, backups: 0 };

    using outputs = await open([bad, { ...bad, to: join(directory, "good") }]);

    assertEquals(outputs.failures.map(({ output }) => output), [bad.to]);
    assert(outputs.failures[0]!.reason.length > 0);
    await assertRejects(() => open([bad]), Error, `Cannot write the log to "${bad.to}"`);
  }));

Deno.test("openLogOutputs() is silent when nothing is listed", async () => {
  using outputs = await open([]);

  createLogger({ category: ["a"], clock, sink: outputs.sink, level: outputs.level }).error("nobody reads this");

  assertEquals(outputs.failures, []);
});
