import { assertEquals, assertMatch } from "@std/assert";

import { createTestAgent } from "./testing/test_agent.ts";
import { thrownAt } from "./thrown_at.ts";

function withStack(stack: string, cause?: Error): Error {
  return Object.assign(new Error("bad", { cause }), { stack });
}

Deno.test("thrownAt() is the first place that is neither the host's nor a package's", () => {
  const host = new URL("./http/json.ts:1:2", import.meta.url).href;
  const inner = withStack(`Error: bad
    at read (${host})
    at parse (file:///home/me/.cache/deno/npm/registry.npmjs.org/zod/4.6.7/v4/core.js:5:6)
    at setup (file:///srv/my%20notes/plugin.ts:12:3)
    at outer (file:///srv/other.ts:1:1)`);

  assertEquals(thrownAt(inner), "/srv/my notes/plugin.ts:12:3");
  assertEquals(thrownAt(withStack("Error\n    at file:///srv/catcher.ts:1:1", inner)), "/srv/my notes/plugin.ts:12:3");
  assertEquals(thrownAt(withStack(`Error: bad\n    at read (${host})`)), undefined);
  assertEquals(thrownAt("bad"), undefined);
});

Deno.test("the log names the line of a plugin that throws", async () => {
  const dir = await Deno.makeTempDir({ prefix: "outpost-thrown-" });
  try {
    const file = `${dir}/plugin.js`;
    await Deno.writeTextFile(
      file,
      `export default { id: "typo", version: "1.0.0", api: 1, stability: "stable", summary: "Has a typo.",
  setup(ctx) { ctx.rutes.app.get("/"); },
};`,
    );
    const { default: typo } = await import(`file://${file}`);
    await using agent = await createTestAgent({ plugins: [typo] });

    const [line] = agent.errors();

    assertMatch(String(line?.fields.at), /\/plugin\.js:2:\d+$/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
