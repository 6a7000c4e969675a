/**
 * Somebody cleans the directory of the sockets while the agent runs, as programs that tidy `/tmp` do.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";

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

Deno.test("outpost start ends a program whose socket was tidied away, says so, and brings it back when told to", async () => {
  const temporary = await Deno.makeTempDir();
  const attached = (id: string, onFailure: string) => {
    const file = fromFileUrl(new URL("../../core/attached/testdata/typed_by_hand.ts", import.meta.url));
    const args = ["run", "-A", "--no-config", "--no-lock", file, "", id];
    return { [id]: { from: `exec:${Deno.execPath()}`, args, onFailure } };
  };
  const config = join(temporary, "outpost.json");
  const plugins = { ...attached("retried", "retry"), ...attached("left", "continue") };
  await Deno.writeTextFile(config, JSON.stringify({ plugins }));
  await using agent = await startAgent({ args: ["--config", config], env: { TMPDIR: temporary } });
  const directoryOf = async (id: string) => {
    const response = await agent.fetch(`/api/v0/${id}`);
    const { env } = await response.json();
    return response.ok ? dirname(env.OUTPOST_PLUGIN_SOCKET) : undefined;
  };
  const directory = await directoryOf("left");

  await agent.post("/api/v0/processes/start", { command: `rm -rf ${temporary}/outpost-*` });
  // Nobody asks the programs meanwhile: the agent notices by itself.
  const stateOf = async (id: string) => {
    const { plugins } = await (await agent.fetch("/api/v0/status")).json();
    return plugins.find((plugin: { readonly id: string }) => plugin.id === id).state;
  };
  await deadline(untilTrue(async () => await stateOf("left") === "failed"), HANG_MS);
  const why = await runAgent(["plugins", "--why", "left", "--config", config], { env: agent.env, cwd: agent.dir });
  assertStringIncludes(
    why.stdout.join("\n"),
    `its HTTP socket "${directory}/http.sock" was removed by somebody, so no request can reach it`,
  );
  await deadline(untilTrue(async () => await directoryOf("retried") !== undefined), HANG_MS);

  agent.signal("SIGTERM");
  const { code, stderr } = await agent.ended;
  assertEquals(
    [code, [...Deno.readDirSync(temporary)].map(({ name }) => name)],
    [0, ["outpost.json"]],
    stderr.join("\n"),
  );
  await Deno.remove(temporary, { recursive: true });
});

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  while (!await holds());
}

async function untilThere(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    while (!await Deno.lstat(path).then(() => true, () => false)) await new Promise((resolve) => setImmediate(resolve));
  }
}
