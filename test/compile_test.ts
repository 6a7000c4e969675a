/**
 * Smoke test of the single binary.
 *
 * A machine that cannot download `denort` makes it with Deno 2.4.2's, which does SSH, PTYs, `.ts` plugins and the
 * control-plane connection no justice; this test therefore covers the core, processes and files.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { ROOT, runAgent, startAgent } from "./agent_process.ts";

Deno.test("dist/outpost starts, answers, runs a process, edits a file and stops", async (t) => {
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

    await t.step("runs a process and knows its exit code", async () => {
      const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "echo from $0; exit 3" });
      const output = await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json();
      assertEquals([output.running, output.exit_code], [false, 3]);
      assertMatch(output.output, /^from /);
    });

    await t.step("edits a file", async () => {
      const path = join(agent.dir, "a.txt");
      await Deno.writeTextFile(path, "one\ntwo\n");
      await agent.post("/api/v0/edit-files", { files: [{ path, edits: [{ search: "two", replace: "2" }] }] });
      assertEquals(await Deno.readTextFile(path), "one\n2\n");
    });

    await t.step("finds the running agent for its commands", async () => {
      const ran = await runAgent(["exec", "--", "echo", "hello"], {
        command: [binary],
        env: agent.env,
        cwd: agent.dir,
      });
      assertEquals([ran.code, ran.stdout], [0, ["hello"]], ran.stderr.join("\n"));
    });

    agent.signal("SIGTERM");
    assertEquals((await agent.ended).code, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
