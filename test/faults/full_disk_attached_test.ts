/**
 * A disk without room under the private directories of attached plugins: the agent and the other plugins go on, the error names the
 * socket and what to do, and the plugin comes up once there is room.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, ROOT, startAgent } from "../agent_process.ts";
import { type SmallDisk, withSmallDisk } from "../small_disk.ts";
import { until } from "./marked_agent.ts";

const WHOLE = join(ROOT, "core/attached/testdata/whole.ts");

for (const room of ["bytes", "files"] as const) {
  Deno.test(`an attached plugin runs when TMPDIR has no room for ${room}`, (t) =>
    withSmallDisk(t, async (disk) => {
      await disk.fill(room);

      await withAttached(disk, async (agent) => {
        assertEquals(agent.listening.failed, []);
        assertEquals(await isServed(agent), true);
      });
    }));
}

// Of what an attached plugin needs, the directory is made first, then the agent's socket, then the program's.
for (const [socket, leaving] of [["agent.sock", 1], ["http.sock", 2]] as const) {
  Deno.test(`an attached plugin without room for ${socket} fails alone, says where, and is retried until there is room`, (t) =>
    withSmallDisk(t, async (disk) => {
      await disk.fill("files", { leaving });
      await withAttached(disk, async (agent) => {
        // Not asked of what the agent said at its start: the next try may have begun by then.
        assertEquals(await isServed(agent), false);
        assertEquals(await outputOf(agent, "echo goes on"), "goes on\n");
        const log = (await (await agent.fetch("/api/v0/logs")).text()).replaceAll("\\", "");
        const place = `${disk.path}/outpost-plugin-\\w+/${socket}`;
        assertMatch(
          log,
          new RegExp(`Cannot write "${place}": No space left on device \\(os error 28\\); make room there`),
        );
        await disk.makeRoom();

        await until(() => isServed(agent));
      });
    }));
}

/** Gives a test an agent whose temporary files lie on the disk, with the plugin. */
async function withAttached(disk: SmallDisk, test: (agent: AgentProcess) => Promise<void>): Promise<void> {
  const entry = { from: WHOLE, attached: true, mount: "entire", onFailure: "retry" };
  const deadlines = { setupMs: 60_000, startMs: 60_000 };
  await using agent = await startAgent({
    args: ["--set", `plugins.whole=${JSON.stringify(entry)}`, "--set", `agent.deadlines=${JSON.stringify(deadlines)}`],
    env: { TMPDIR: disk.path },
  });
  await test(agent);
  agent.signal("SIGTERM");
  assertEquals((await agent.ended).code, 0);
  assertEquals(disk.names(), []);
}

async function isServed(agent: AgentProcess): Promise<boolean> {
  const response = await agent.fetch("/api/v0/entire");
  await response.body?.cancel();
  return response.ok;
}

async function outputOf(agent: AgentProcess, command: string): Promise<string> {
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command });
  return (await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json()).output;
}
