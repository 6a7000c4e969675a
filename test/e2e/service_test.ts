import { assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { fromFileUrl, join } from "@std/path";

import { startAgent } from "../agent_process.ts";

const RECEIVER = fromFileUrl(new URL("../fixtures/notify_receiver.ts", import.meta.url));

Deno.test("a service manager hears that the agent is ready, that it lives, and that it stops", async () => {
  const home = await Deno.makeTempDir();
  const path = join(home, "notify.sock");
  await using manager = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-net", "--no-lock", RECEIVER, path],
    stdout: "piped",
    stdin: "null",
  }).spawn();
  const heard = manager.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    [Symbol.asyncIterator]();
  const next = async () => JSON.parse((await heard.next()).value!) as string;
  assertEquals(await next(), "listening");

  const agent = await startAgent({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" } });
  assertMatch(await next(), /^READY=1\nSTATUS=outpost .* serves$/);
  assertEquals([await next(), await next()], ["WATCHDOG=1", "WATCHDOG=1"]);
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "env" });
  const { output } = await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json();
  agent.signal("SIGTERM");
  let last = await next();
  while (last === "WATCHDOG=1") last = await next();
  const { code } = await agent.ended;
  await agent[Symbol.asyncDispose]();
  await Deno.remove(home, { recursive: true });

  assertEquals([last, code], ["STOPPING=1\nSTATUS=Stopping", 0]);
  assertEquals(/NOTIFY_SOCKET|WATCHDOG/.test(output), false);
});
