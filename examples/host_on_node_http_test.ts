import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TextLineStream } from "@std/streams";

import { isolatedEnv, ROOT } from "../test/agent_process.ts";

Deno.test("host_on_node_http.ts serves routes and WebSockets, and ends with 0 on SIGTERM", async () => {
  const home = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", join(ROOT, "examples/host_on_node_http.ts")],
    env: isolatedEnv(home, { OUTPOST_TOKEN: "example-token" }),
    clearEnv: true,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  const { value: line = "" } = await lines.read();
  const url = /http:\S+$/.exec(line)?.[0] ?? "";
  const headers = { authorization: "Bearer example-token" };

  const refused = await fetch(url);
  const answer = await fetch(url, { headers });
  const socket = new WebSocket(url.replace("http", "ws").replace("/hello", "/shout/ws"), { headers });
  const heard = new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
  const closed = new Promise<number>((resolve) => socket.onclose = ({ code }) => resolve(code));
  socket.onopen = () => socket.send("anybody there?");

  assertEquals([refused.status, (await refused.json()).code], [401, "unauthorized"]);
  assertEquals(await answer.json(), { message: `Hello from ${Deno.build.os}` });
  assertEquals(await heard, "ANYBODY THERE?");
  child.kill("SIGTERM");
  assertEquals(await closed, 1001);
  assertEquals((await child.status).code, 0);
  await lines.cancel();
  await Deno.remove(home, { recursive: true });
});
