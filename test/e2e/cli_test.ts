/**
 * The commands of the binary, against an agent as a process.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, type Ended, runAgent, startAgent } from "../agent_process.ts";

function run(agent: AgentProcess, ...args: string[]): Promise<Ended> {
  return runAgent(args, { env: agent.env, cwd: agent.dir });
}

Deno.test("outpost commands find the running agent by its socket", async () => {
  await using agent = await startAgent();

  const plugins = await run(agent, "plugins");
  assertEquals(plugins.code, 0, plugins.stderr.join("\n"));
  assertStringIncludes(plugins.stdout.find((line) => line.startsWith("agentfiles")) ?? "", "running");

  const doctor = await run(agent, "doctor");
  assertEquals(doctor.code, 0, doctor.stdout.join("\n"));
  assertStringIncludes(doctor.stdout.join("\n"), `ready on ${agent.unix}`);
});

Deno.test("outpost open prints a link that opens the agent to one browser", async () => {
  await using agent = await startAgent();

  const { code, stdout } = await run(agent, "open");
  assertEquals([code, stdout.length], [0, 1]);

  const entered = await fetch(stdout[0]!, { redirect: "manual" });
  await entered.body?.cancel();
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  const page = await fetch(`${agent.http}/api/v0/info`, { headers: { cookie, origin: agent.http } });
  await page.body?.cancel();
  assertEquals([entered.status, page.status], [303, 200]);
});

Deno.test("outpost ps without an agent ends with 1 and says how to start one", async () => {
  const home = await Deno.makeTempDir();
  try {
    const agent = await startAgent();
    await agent[Symbol.asyncDispose]();

    const { code, stderr } = await runAgent(["ps"], { env: agent.env, cwd: home });

    assertEquals(code, 1);
    assertStringIncludes(stderr.join("\n"), "main.ts start");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** A plugin that never finishes its drain, and leaves a file when it begins. */
const STUCK = `
export default {
  id: "stuck", version: "1.0.0", api: 1, stability: "stable", summary: "Never drains.",
  setup(ctx) {
    ctx.hooks.onDrain(async () => {
      await Deno.writeTextFile("draining", "");
      await new Promise(() => {});
    });
  },
};
`;

Deno.test("outpost start ends at once at the second signal, whatever still drains", async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(home, "stuck.ts"), STUCK);
    await Deno.writeTextFile(
      join(home, "agent.jsonc"),
      `{ "agent": { "shutdown": { "drainMs": 3600000, "totalMs": 3600000 } }, "plugins": { "stuck": { "from": "./stuck.ts" } } }`,
    );
    await using agent = await startAgent({ args: ["--config", join(home, "agent.jsonc")] });
    using watcher = Deno.watchFs(agent.dir);

    agent.signal("SIGTERM");
    for await (const { paths } of watcher) if (paths.some((path) => path.endsWith("draining"))) break;
    agent.signal("SIGINT");

    assertEquals((await agent.ended).code, 130);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
