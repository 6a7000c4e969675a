import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { startAgent } from "../../../test/agent_process.ts";

const CONFIG = fromFileUrl(new URL("./disk_space.jsonc", import.meta.url));
const SCRIPT = fromFileUrl(new URL("./disk_space.py", import.meta.url));
const HAS_PYTHON = await hasPython();

async function hasPython(): Promise<boolean> {
  try {
    return (await new Deno.Command("python3", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** Named by its reason where it cannot run. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: HAS_PYTHON ? name : `${name} (skipped: python3 is missing)`, ignore: !HAS_PYTHON, fn });
}

const plugins = async (agent: { fetch(path: string): Promise<Response> }) =>
  (await (await agent.fetch("/api/v0/info")).json()).plugins as readonly {
    readonly id: string;
    readonly state: string;
    readonly reason?: string;
    readonly version: string;
  }[];

test("disk_space.py serves its route, metrics and settings through the agent, and ends with it", async () => {
  await using agent = await startAgent({ args: ["--config", CONFIG] });

  const answer = await agent.fetch("/api/v0/disk-space");
  const { paths } = await answer.json();
  assertEquals([answer.status, paths.map(({ path }: { path: string }) => path)], [200, ["/", "/tmp"]]);
  assert(paths[0].free_bytes > 0 && paths[0].free_percent <= 100);
  const metrics = await (await agent.fetch("/metrics")).text();
  assert(/^agent_disk_space_free_bytes\{path="\/tmp"\} \d+$/m.test(metrics), metrics);
  assert(/^agent_disk_space_looks_total \d+$/m.test(metrics), metrics);
  const wrong = await agent.fetch("/api/v0/disk-space/else");
  assertEquals([wrong.status, (await wrong.json()).code], [404, "not_found"]);
  const plugin = (await plugins(agent)).find(({ id }) => id === "disk-space");
  assertEquals([plugin?.state, plugin?.version], ["running", "1.0.0"]);

  agent.signal("SIGTERM");
  const { code, stderr } = await agent.ended;
  assertEquals(code, 0);
  assertEquals(stderr.filter((line) => /"level":"(?:ERROR|WARN)"/.test(line) && line.includes("disk-space")), []);
});

test("disk_space.py says when there is too little space", async () => {
  const set = (key: string, value: unknown) => ["--set", `plugins.disk-space.config.${key}=${JSON.stringify(value)}`];
  await using agent = await startAgent({
    args: ["--config", CONFIG, ...set("minFreePercent", 100), ...set("everySeconds", 0.05)],
  });

  let plugin: Awaited<ReturnType<typeof plugins>>[number] | undefined;
  while (plugin?.state !== "degraded") {
    plugin = (await plugins(agent)).find(({ id }) => id === "disk-space");
  }

  assertStringIncludes(plugin.reason ?? "", "% left");
});

test("disk_space.py is refused with its own words when a setting is wrong", async () => {
  await using agent = await startAgent({
    args: [
      "--config",
      CONFIG,
      "--set",
      "plugins.disk-space.config.minFreePercent=101",
      "--set",
      "plugins.disk-space.onFailure=continue",
    ],
  });

  const plugin = (await plugins(agent)).find(({ id }) => id === "disk-space");

  assertEquals(plugin?.state, "failed");
  assertStringIncludes(plugin?.reason ?? "", "plugins.disk-space.config.minFreePercent");
});

test("disk_space.py started by hand says what it is", async () => {
  const { code, stderr } = await new Deno.Command(SCRIPT, { clearEnv: true, env: { PATH: "/usr/bin:/bin" } }).output();

  assertEquals([code, new TextDecoder().decode(stderr)], [
    2,
    'This is the Outpost plugin "disk-space"; an agent starts it: see disk_space.jsonc.\n',
  ]);
});
