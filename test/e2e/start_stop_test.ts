/**
 * The agent as a process: how it starts, what it says, how it ends.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { isolatedEnv, runAgent, startAgent } from "../agent_process.ts";

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`outpost start ends with 0 on ${signal} and takes its socket with it`, async () => {
    await using agent = await startAgent();
    assertEquals((await text(await agent.fetch("/healthz"))).status, 200);

    agent.signal(signal);
    const { code, stdout } = await agent.ended;

    assertEquals(code, 0, stdout.join("\n"));
    assertEquals(await exists(agent.unix), false);
  });
}

Deno.test("outpost start --log-format json writes JSON only, and one line says where the agent listens", async () => {
  await using agent = await startAgent();
  await text(await agent.fetch("/api/v0/info"));

  agent.signal("SIGTERM");
  const { stdout, stderr } = await agent.ended;

  assertMatch(agent.http, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert(agent.unix.startsWith("/") && String(agent.listening.token_file).startsWith("/"));
  for (const line of [...stdout, ...stderr]) JSON.parse(line);
  assertEquals(stdout.filter((line) => JSON.parse(line).event === "listening").length, 1);
});

Deno.test("outpost start keeps token and socket to its user, and the token out of its output", async () => {
  await using agent = await startAgent();

  assertEquals(modeOf(await Deno.stat(String(agent.listening.token_file))), 0o600);
  assertEquals(modeOf(await Deno.stat(agent.unix)), 0o600);

  agent.signal("SIGTERM");
  const { stdout, stderr } = await agent.ended;
  assert(agent.token.length >= 32);
  assertEquals([...stdout, ...stderr].filter((line) => line.includes(agent.token)), []);
});

Deno.test("outpost start answers nobody without the token but /healthz", async () => {
  await using agent = await startAgent();

  assertEquals((await text(await fetch(`${agent.http}/healthz`))).status, 200);
  assertEquals((await text(await fetch(`${agent.http}/api/v0/info`))).status, 401);
  assertEquals((await text(await agent.fetch("/api/v0/info"))).status, 200);
});

Deno.test("outpost start ends with 2 and lists every problem of the configuration at once", async () => {
  const home = await Deno.makeTempDir();
  try {
    const file = join(home, "config.jsonc");
    await Deno.writeTextFile(
      file,
      `{ "nonsense": 1, "plugins": { "agentfile": {}, "agentfiles": { "config": { "x": 1 } } } }`,
    );
    const args = ["start", "--listen", "127.0.0.1:0", "--unix", join(home, "a.sock"), "--config", file];

    const { code, stdout, stderr } = await runAgent(args, { env: isolatedEnv(home), cwd: home });

    assertEquals(code, 2);
    const said = [...stdout, ...stderr].join("\n");
    for (const word of ["nonsense", "agentfile", "plugins.agentfiles.config"]) assertStringIncludes(said, word);
    assertEquals(await exists(join(home, "a.sock")), false);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("outpost start ends with 2 on an unknown flag and says so", async () => {
  const home = await Deno.makeTempDir();
  try {
    const { code, stderr } = await runAgent(["start", "--lisen", "x"], { env: isolatedEnv(home), cwd: home });

    assertEquals(code, 2);
    assertStringIncludes(stderr.join("\n"), "lisen");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

async function text(response: Response): Promise<{ status: number; body: string }> {
  return { status: response.status, body: await response.text() };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function modeOf({ mode }: Deno.FileInfo): number {
  return mode! & 0o777;
}
