/**
 * Somebody cleans the directory of the sockets while the agent runs, as programs that tidy `/tmp` do.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";

import { runAgent, startAgent } from "../agent_process.ts";

/** Longest wait for anything, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;

Deno.test("outpost start brings its sockets and its token back when they were removed", async () => {
  await using agent = await startAgent();
  const directory = dirname(agent.unix);
  const names = () => [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  const before = names();

  await Deno.remove(directory, { recursive: true });
  await deadline(untilThere(before.map((name) => join(directory, name))), HANG_MS);

  assertEquals(names(), before);
  assertEquals((await Deno.readTextFile(join(directory, "token"))).trim(), agent.token);
  const ran = await runAgent(["exec", "--", "echo", "hello"], { env: agent.env, cwd: agent.dir });
  assertEquals([ran.code, ran.stdout], [0, ["hello"]]);

  agent.signal("SIGTERM");
  const { code, stderr } = await agent.ended;
  assertEquals([code, names()], [0, []], stderr.join("\n"));
});

async function untilThere(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    while (!await Deno.lstat(path).then(() => true, () => false)) await new Promise((resolve) => setImmediate(resolve));
  }
}
