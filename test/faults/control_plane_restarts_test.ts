/** A control plane that is killed again and again while the agent reports to it. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { createTestAgent } from "../../core/testing/mod.ts";
import { ReplaceableServer } from "../../examples/control-plane/replaceable_server.ts";
import type { ServerProcess } from "../../examples/control-plane/server_process.ts";
import controlplane from "../../plugins/controlplane/mod.ts";
import { ConnectionReports } from "../../plugins/controlplane/service.ts";
import reporting from "../../plugins/reporting/mod.ts";
import scripts from "../../plugins/scripts/mod.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** Kills, each of which costs the start of a process; 50 with OUTPOST_TEST_SCALE=10. */
const KILLS = 5 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;
/** Lines of one answer of the control plane. */
const PAGE = 1000;

interface View {
  readonly connection: string;
  readonly lifecycle: string;
  readonly lifecycle_history: readonly { readonly state: string }[];
  readonly connections: readonly { readonly id: string; readonly action: string }[];
}
interface Line {
  readonly id: number;
  readonly output: string;
}

/** Looks again whenever the control plane tells of a change. */
async function until(server: ServerProcess, isTrue: () => Promise<boolean>): Promise<void> {
  const response = await fetch(`${server.http}/api/events`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  for await (const _ of response.body!) if (await isTrue()) return;
  throw new Error("the stream of events ended");
}

async function linesAfter(server: ServerProcess, id: number): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (let after = id;; after = lines.at(-1)!.id) {
    const { logs } = await server.ask<{ logs: readonly Line[] }>(`/api/agents/dev/logs?after=${after}&limit=${PAGE}`);
    lines.push(...logs);
    if (logs.length < PAGE) return lines;
  }
}

Deno.test(`a control plane killed ${KILLS} times under load misses no state and no line, and gets none twice`, async () => {
  const dir = await Deno.makeTempDir();
  const enough = join(dir, "enough");
  const loud =
    `i=0; while [ ! -e ${enough} ]; do echo "line $i"; i=$((i + 1)); [ $((i % 10)) = 0 ] && sleep 0.05; done; echo end`;
  const agents = [{
    ...{ name: "dev", token: TOKEN, metadata: [{ key: "a", script: "date +%s%N", intervalSeconds: 1 }] },
    scripts: [
      { name: "loud", script: loud, runOnStart: true, logPath: "/dev/null" },
      { name: "last", script: "echo bye", runOnStop: true, logPath: "/dev/null" },
    ],
  }];
  await Deno.writeTextFile(join(dir, "agents.json"), JSON.stringify({ statsIntervalSeconds: 1, agents }));
  {
    await using door = new ReplaceableServer([
      ...["--database", join(dir, "plane.db")],
      ...["--agents", join(dir, "agents.json")],
    ]);
    let server = await door.start();
    const agent = await createTestAgent({
      plugins: [controlplane, scripts, reporting],
      agent: { controlPlane: { url: door.url, token: TOKEN }, scriptDataDir: dir },
      time: "real",
    });
    const reports = agent.service(ConnectionReports);
    let seen = 0;
    const arrives = async () => {
      await until(server, async () => {
        const lines = await linesAfter(server, seen);
        seen = lines.at(-1)?.id ?? seen;
        return lines.length > 0;
      });
    };

    for (let kill = 0; kill < KILLS; kill++) {
      await arrives();
      reports.connected("ssh", "")(0, "");
      server = await door.replace();
    }
    await arrives();
    await Deno.writeTextFile(enough, "");
    await until(server, async () => (await server.ask<View>("/api/agents/dev")).lifecycle === "ready");
    await agent.stop();
    const failures = agent.errors();
    await agent[Symbol.asyncDispose]();

    const view = await server.ask<View>("/api/agents/dev");
    const outputs = (await linesAfter(server, 0)).map(({ output }) => output);
    assertEquals(view.lifecycle_history.map(({ state }) => state), ["starting", "ready", "shutting_down", "off"]);
    // Each script's lines are in order; those of two scripts travel in requests of their own.
    const loudLines = outputs.filter((output) => output !== "bye");
    const count = loudLines.length - 1;
    assertEquals(loudLines, [...Array.from({ length: count }, (_, index) => `line ${index}`), "end"]);
    assertEquals(outputs.length, loudLines.length + 1);
    assert(count > KILLS * 10, `${count} lines`);
    // A connection report that was on its way when the server was killed is given up; none may come twice.
    const ids = view.connections.map(({ id, action }) => `${id} ${action}`);
    assertEquals(new Set(ids).size, ids.length);
    assertEquals(failures, []);
  }
  await Deno.remove(dir, { recursive: true });
});
