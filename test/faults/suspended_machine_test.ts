/**
 * The machine is suspended for a night, as Linux does it: the wall clock has moved on, and the clock that measures durations has stood
 * still with the process.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import type { AgentProcess } from "../agent_process.ts";
import { exists, type MarkedAgent, startMarked, until } from "./marked_agent.ts";
import {
  assertEndsWell,
  connectionOf,
  inDirectory,
  LIBRARY,
  movableClocks,
  openSocket,
  stopFor,
} from "./stopped_agent.ts";

/** Longer than a link to sign in works, than the tool may take, and than the session of a browser lives. */
const NIGHT_S = 13 * 60 * 60;
const ignore = LIBRARY === undefined && Deno.env.get("CI") !== "true";

Deno.test({
  name: "outpost start goes on after its machine was suspended for a night: nothing is cut, and nobody is locked out",
  ignore,
  fn: () =>
    withSuspendable(async (world, suspend) => {
      const { agent } = world;
      await using terminal = await openSocket(agent, `/api/v0/pty?reconnect=${crypto.randomUUID()}&command=cat`);
      const [signedIn, unused] = [await linkTo(agent), await linkTo(agent)];
      const cookie = await cookieFrom(signedIn);
      const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", {
        command: "read line; echo got $line",
        stdin: "piped",
      });
      const waiting = agent.fetch(`/api/v0/processes/${id}/output?wait=true`);
      const [ready, go] = [join(agent.dir, "ready"), join(agent.dir, "go")];
      const command = `touch ${ready}; while [ ! -e ${go} ]; do sleep 0.1; done; echo done`;
      const tool = agent.post("/api/v0/mcp/call-tool", {
        tool_name: "outpost__execute",
        arguments: { command, timeout: "5m" },
      });
      await until(() => exists(ready));
      const before = await startedAt(agent, id);

      await suspend();
      agent.signal("SIGCONT");

      const later = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "true" });
      assert(await startedAt(agent, later.id) >= before + NIGHT_S, "the agent has the time of day");
      assertEquals(await statusWith(agent, cookie), 200);
      assertEquals(await statusWith(agent, await cookieFrom(unused)), 200);
      await agent.fetch(`/api/v0/processes/${id}/stdin?close=true`, { method: "POST", body: "hello\n" }).then(drained);
      assertEquals((await (await waiting).json()).output, "got hello\n");
      await Deno.writeTextFile(go, "");
      const result = JSON.stringify(await tool);
      assert(result.includes("done") && !/timed out|timeout/i.test(result), result);
      terminal.type("still there\r");
      await until(() => terminal.seen().includes("still there"));
      assertEquals([terminal.isOpen(), await connectionOf(agent), world.connections()], [true, "connected", 1]);
      assertEquals(await world.states(), ["starting", "ready"]);

      await assertEndsWell(world);
    }),
});

Deno.test({
  name: "outpost start finds out that its control plane went away while its machine was suspended, and comes back",
  ignore,
  fn: () =>
    withSuspendable(async (world, suspend) => {
      await suspend();
      world.cut();
      world.agent.signal("SIGCONT");

      // It asks for a sign of life twice a minute, by a clock that nothing moves here.
      await until(async () => await connectionOf(world.agent) === "connected" && world.connections() === 2);

      world.agent.signal("SIGTERM");
      const { code, log } = await world.end();
      assertEquals(code, 0, log);
      assertEquals(await world.states(), ["starting", "ready", "shutting_down", "off"]);
    }),
});

/** Gives a test an agent that is connected, and whose machine it can suspend. */
async function withSuspendable(
  test: (world: MarkedAgent, suspend: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const time = join(directory, "time");
    await Deno.writeTextFile(time, "+0");
    await using world = await startMarked({
      manifest: { directory: "" },
      env: { ...movableClocks(time), FAKETIME_DONT_FAKE_MONOTONIC: "1" },
    });
    await until(async () => (await world.states()).includes("ready"));
    await test(world, () => stopFor(NIGHT_S, world, time));
  });
}

async function linkTo(agent: AgentProcess): Promise<string> {
  return (await agent.post<{ url: string }>("/api/v0/auth/link", {})).url;
}

/** Follows a link. Empty when it does not work any more. */
async function cookieFrom(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "manual" });
  await response.body?.cancel();
  return (response.headers.get("set-cookie") ?? "").split(";")[0]!;
}

async function statusWith(agent: AgentProcess, cookie: string): Promise<number> {
  const response = await fetch(`${agent.http}/api/v0/status`, { headers: { cookie } });
  await response.body?.cancel();
  return response.status;
}

/** Seconds since the epoch. */
async function startedAt(agent: AgentProcess, id: string): Promise<number> {
  const { processes }: { processes: { id: string; started_at_unix: number }[] } =
    await (await agent.fetch("/api/v0/processes/list")).json();
  return processes.find((process) => process.id === id)!.started_at_unix;
}

async function drained(response: Response): Promise<void> {
  await response.body?.cancel();
}
