import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { LatestValue } from "../../core/latest_value.ts";
import { conformance } from "../../core/testing/conformance.ts";
import { fake } from "../../core/testing/mod.ts";
import { createTestAgent, type TestAgent } from "../../core/testing/test_agent.ts";
import { type Manifest, ManifestFeed } from "../controlplane/service.ts";
import dropin from "./mod.ts";

conformance(dropin, {
  config: { prometheusAddress: "127.0.0.1:0" },
  optionalServices: [fake(ManifestFeed, { watch: (signal) => new LatestValue<Manifest>().watch(signal) })],
});

const MANIFEST: Manifest = {
  ...{
    agentId: "a",
    agentName: "main",
    workspaceId: "w",
    workspaceName: "dev",
    ownerName: "ada",
    directory: "/home/ada",
  },
  ...{ motdPath: "", portProxyUri: "", gitAuthConfigs: 1, isSubAgent: false },
  environment: { SECRET: "do not show", EMPTY: "" },
  ...{ scripts: [], metadata: [], apps: [] },
};

function start(
  config: Record<string, unknown>,
  manifests: LatestValue<Manifest> = new LatestValue(),
): Promise<TestAgent> {
  return createTestAgent({
    plugins: [dropin],
    entries: { dropin: { config } },
    services: [fake(ManifestFeed, { watch: (signal) => manifests.watch(signal) })],
  });
}
/** An address without a port is what the agent then says. */
const FREE = "127.0.0.1:0";
const addressOf = ({ agent }: TestAgent, name: string) => agent.addresses[name] ?? "";

async function read(url: string, init?: RequestInit): Promise<readonly [number, string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

Deno.test("dropin serves the metrics on any path, to everybody", async () => {
  await using agent = await start({ prometheusAddress: FREE });
  const address = addressOf(agent, "prometheus");

  const [status, text] = await read(address);
  const elsewhere = await read(`${address}/some/path?x=1`);

  assertEquals([status, elsewhere[0]], [200, 200]);
  assertMatch(text, /^agent_build_info\{/m);
});

Deno.test("dropin shows the log file and the manifest without values of its variables; everything else is not found", async () => {
  const directory = await Deno.makeTempDir();
  const logFile = join(directory, "coder-agent.log");
  const manifests = new LatestValue<Manifest>();
  {
    await using agent = await start({ debugAddress: FREE, logFile }, manifests);
    const at = (path: string, init?: RequestInit) => read(`${addressOf(agent, "debug")}${path}`, init);

    assertEquals((await at("/debug/manifest"))[0], 500);
    assertEquals((await at("/debug/logs"))[0], 500);
    await Deno.writeTextFile(logFile, "a line\n");
    manifests.set(MANIFEST);
    assertEquals(await at("/debug/logs"), [200, "a line\n"]);
    let [status, text] = await at("/debug/manifest");
    while (status !== 200) [status, text] = await at("/debug/manifest");
    assertEquals(JSON.parse(text).environment_variables, { SECRET: "***REDACTED***", EMPTY: "" });
    assertEquals([JSON.parse(text).workspace_name, text.includes("do not show")], ["dev", false]);
    for (const path of ["/", "/debug", "/debug/magicsock", "/debug/pprof/", "/debug/logs/x"]) {
      assertEquals(await at(path), [404, "404 not found\n"]);
    }
    assertEquals((await at("/debug/logs", { method: "POST" }))[0], 404);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("dropin shows the last 10 MiB of a long log", async () => {
  const directory = await Deno.makeTempDir();
  const logFile = join(directory, "coder-agent.log");
  await Deno.writeFile(logFile, new Uint8Array(11 * 1024 * 1024).fill(0x61));
  await Deno.writeTextFile(logFile, "the end", { append: true });
  {
    await using agent = await start({ debugAddress: FREE, logFile });

    const [, text] = await read(`${addressOf(agent, "debug")}/debug/logs`);

    assertEquals([text.length, text.slice(-7)], [10 * 1024 * 1024, "the end"]);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("dropin opens nothing without addresses, and says so in the reference's words", async () => {
  await using agent = await start({});

  const lines = agent.logs("info").map(({ message }) => message).filter((message) => message.includes("disabling"));

  assertEquals(lines, [
    "prometheus address is empty, disabling prometheus server",
    "debug address is empty, disabling debug server",
  ]);
  assertEquals(agent.agent.addresses, {});
});

Deno.test("dropin goes on when an address cannot be had", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using agent = await start({ prometheusAddress: `127.0.0.1:${taken.addr.port}`, debugAddress: "nonsense" });

  assertEquals(agent.state("dropin"), "degraded");
  const warnings = agent.logs("warn").filter(({ message }) => message === "listener not opened");
  assertEquals(warnings.map(({ fields }) => fields.listener), ["prometheus", "debug"]);
  assertStringIncludes(String(warnings[1]!.fields.error), "expected HOST:PORT");
});
