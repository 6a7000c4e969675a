/**
 * Smoke test of the single binary.
 *
 * A machine that cannot download `denort` makes it with Deno 2.4.2's, which does SSH, PTYs, `.ts` plugins and the
 * control-plane connection no justice; this test therefore covers the core and files.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { ROOT, runAgent, startAgent } from "./agent_process.ts";

Deno.test("dist/outpost starts, answers, edits a file and stops", async (t) => {
  const dir = await Deno.makeTempDir();
  const binary = join(dir, "outpost");
  try {
    const made = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "tools/compile.ts"), binary],
      cwd: ROOT,
      stdin: "null",
    }).output();
    assertEquals(made.code, 0, new TextDecoder().decode(made.stderr));

    await using agent = await startAgent({ command: [binary] });

    await t.step("answers /healthz and says which plugins run", async () => {
      const health = await agent.fetch("/healthz");
      await health.body?.cancel();
      assertEquals(health.status, 200);
      assertEquals(agent.listening.failed, []);
    });

    await t.step("edits a file", async () => {
      const path = join(agent.dir, "a.txt");
      await Deno.writeTextFile(path, "one\ntwo\n");
      await agent.post("/api/v0/edit-files", { files: [{ path, edits: [{ search: "two", replace: "2" }] }] });
      assertEquals(await Deno.readTextFile(path), "one\n2\n");
    });

    await t.step("finds the running agent for its commands", async () => {
      const ran = await runAgent(["plugins"], { command: [binary], env: agent.env, cwd: agent.dir });
      assertEquals(ran.code, 0, ran.stderr.join("\n"));
      assertStringIncludes(ran.stdout.join("\n"), "agentfiles");
    });

    agent.signal("SIGTERM");
    assertEquals((await agent.ended).code, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
