import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { NETWORK_VARIABLES } from "../network_variables.ts";
import { createTestAgent, type TestAgent, type TestAgentOptions } from "../testing/mod.ts";

const WHOLE = fromFileUrl(new URL("./testdata/whole.ts", import.meta.url));
/** What Deno needs to find its cache. */
const ENV = Object.fromEntries(
  ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", ...NETWORK_VARIABLES].flatMap((name) =>
    Deno.env.get(name) ? [[name, Deno.env.get(name)!]] : []
  ),
);

function startWhole(entry: object = {}, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [],
    entries: { whole: { from: WHOLE, attached: true, mount: "entire", ...entry } },
    env: ENV,
    time: "real",
    agent: { deadlines: { setupMs: 60_000, startMs: 60_000 } },
    ...options,
  });
}

const messages = (agent: TestAgent) =>
  agent.logs().filter(({ category }) => category.endsWith(".whole")).map(({ message }) => message);

Deno.test("serveAttached() runs a definition as a program: routes, settings, limits, WebSockets, metrics, hooks", async () => {
  await using agent = await startWhole({ config: { key: "open sesame" } });

  assertEquals(agent.state("whole"), "running", agent.status("whole").reason);
  assertEquals([agent.status("whole").version, agent.status("whole").summary], ["2.3.4", "Uses what crosses."]);
  const body = await (await agent.get("/api/v0/entire")).json();
  assertEquals(body, { config: { size: 5, key: "[redacted]" }, missing: true, host: "0.1.0", isAlone: true });
  assertEquals((await agent.post("/api/v0/entire/small", "0123456789abc")).status, 413);
  assertEquals((await agent.get("/api/v0/entire/nothing")).status, 404);
  const socket = await agent.webSocket("/api/v0/entire/talk");
  socket.send("text");
  assertEquals(await socket.next(), "text");
  socket.send(new Uint8Array([1, 2, 3]));
  assertEquals(await socket.next(), new Uint8Array([1, 2, 3]));
  assertEquals(await agent.metric("agent_whole_seen_total"), 1);
  assertEquals(await agent.metric("whole_exact"), 4);
  await agent.stop();
  assertEquals((await socket.closed).code, 1001);
  for (const message of ["started here", "ready here", "drained here", "shut down here"]) {
    assertEquals(messages(agent).filter((each) => each === message).length, 1, message);
  }
});

Deno.test("a Deno plugin is walled in by what it declares", async () => {
  await using agent = await startWhole();

  assertEquals(await (await agent.get("/api/v0/entire/denied")).text(), "NotCapable");
  // It may start programs, so it gets their environment; of what that builds on it sees what it may read.
  assertEquals(await (await agent.get("/api/v0/entire/child")).text(), "from nowhere own\n");
});

Deno.test("errors and health of an attached plugin are seen by the agent as those of any other", async () => {
  await using agent = await startWhole();

  assertEquals((await agent.post("/api/v0/entire/throw")).status, 500);
  await agent.post("/api/v0/entire/health", "tired");
  await agent.untilState("whole", "degraded");
  assertEquals(agent.health("whole"), { ok: false, reason: "tired" });
  await agent.post("/api/v0/entire/health", "");
  await agent.untilState("whole", "running");
  await agent.post("/api/v0/entire/float");
  await agent.untilState("whole", "degraded");
  assertStringIncludes(agent.status("whole").reason ?? "", "floating");
  assertEquals(await agent.metric("agent_plugin_errors_total", { plugin: "whole", phase: "route" }), 1);
  assertEquals(agent.errors().map(({ message }) => message), ["plugin error", "plugin error"]);
});

Deno.test("an attached plugin that mounts something else than its entry says is refused with the line to add", async () => {
  await using agent = await startWhole({ mount: undefined });

  assertEquals(agent.state("whole"), "failed");
  assertStringIncludes(agent.status("whole").reason ?? "", 'add "mount": "entire" to the entry');
  agent.errors();
});

Deno.test("settings of an attached plugin are checked by its own schema, and secrets are not shown", async () => {
  await using agent = await startWhole({ config: { size: 0, key: 17, other: 1 } });

  const reason = agent.status("whole").reason ?? "";
  for (const part of ["plugins.whole.config.size", "plugins.whole.config.key", "plugins.whole.config.other"]) {
    assertStringIncludes(reason, part);
  }
  assertEquals(reason.includes("17"), false);
  agent.errors();
});

Deno.test("serveAttached() started by hand says in one sentence what it is for", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", WHOLE],
  })
    .output();

  const text = new TextDecoder().decode(stderr);
  assertEquals([code, new TextDecoder().decode(stdout), text.trim().split("\n").length], [2, "", 1]);
  assertStringIncludes(text, 'This is the Outpost plugin "whole"');
});

Deno.test("a file that does not serve itself is refused with the line it lacks", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, "export default 1;\n");
    await using agent = await startWhole({ from: file });

    assertEquals(agent.state("whole"), "failed");
    assertStringIncludes(agent.status("whole").reason ?? "", "if (import.meta.main) await serveAttached(plugin)");
    agent.errors();
  } finally {
    await Deno.remove(file);
  }
});
