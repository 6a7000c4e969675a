/**
 * The commands of the binary, against an agent as a process.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, type Ended, ROOT, runAgent, startAgent } from "../agent_process.ts";

function run(agent: AgentProcess, ...args: string[]): Promise<Ended> {
  return runAgent(args, { env: agent.env, cwd: agent.dir });
}

Deno.test("outpost commands find the running agent by its socket", async () => {
  await using agent = await startAgent();

  const plugins = await run(agent, "plugins");
  assertEquals(plugins.code, 0, plugins.stderr.join("\n"));
  assertStringIncludes(plugins.stdout.find((line) => line.startsWith("agentfiles")) ?? "", "running");

  const doctor = await run(agent, "doctor");
  assertEquals(doctor.code, 0, doctor.stdout.join("\n"));
  assertStringIncludes(doctor.stdout.join("\n"), `ready on ${agent.unix}`);
});

Deno.test("outpost open prints a link that opens the agent to one browser", async () => {
  await using agent = await startAgent();

  const { code, stdout } = await run(agent, "open");
  assertEquals([code, stdout.length], [0, 1]);

  const entered = await fetch(stdout[0]!, { redirect: "manual" });
  await entered.body?.cancel();
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  const page = await fetch(`${agent.http}/api/v0/info`, { headers: { cookie, origin: agent.http } });
  await page.body?.cancel();
  assertEquals([entered.status, page.status], [303, 200]);
});

Deno.test("outpost ps without an agent ends with 1 and says how to start one", async () => {
  const home = await Deno.makeTempDir();
  try {
    const agent = await startAgent();
    await agent[Symbol.asyncDispose]();

    const { code, stderr } = await runAgent(["ps"], { env: agent.env, cwd: home });

    assertEquals(code, 1);
    assertStringIncludes(stderr.join("\n"), "main.ts start");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** A plugin that never finishes its drain, and leaves a file when it begins. */
const STUCK = `
export default {
  id: "stuck", version: "1.0.0", api: 1, stability: "stable", summary: "Never drains.",
  setup(ctx) {
    ctx.hooks.onDrain(async () => {
      await Deno.writeTextFile("draining", "");
      await new Promise(() => {});
    });
  },
};
`;
/** Drains for an hour. */
const STUCK_CONFIG = JSON.stringify({
  agent: { shutdown: { drainMs: 3_600_000, totalMs: 3_600_000 } },
  plugins: { stuck: { from: "./stuck.ts" } },
});

Deno.test("outpost exec shows output, passes input on and ends with the command's code", async () => {
  await using agent = await startAgent();

  const line = await run(agent, "exec", "--env", "A=b c", "--", 'echo "$A" in $(basename $PWD); echo oops >&2; exit 7');
  assertEquals([line.code, line.stdout, line.stderr], [7, ["b c in workspace"], ["oops"]]);

  const words = await run(agent, "exec", "--cwd", "/", "--", "printf", "%s|", "a b", "--json", "$A");
  assertEquals([words.code, words.stdout], [0, ["a b|--json|$A|"]], words.stderr.join("\n"));

  const killed = await run(agent, "exec", "--", "kill -KILL $$");
  assertEquals(killed.code, 137);

  const nowhere = await run(agent, "exec", "--cwd", "missing", "--", "true");
  assertEquals(nowhere.code, 1);

  const listed = await run(agent, "ps");
  assertStringIncludes(listed.stdout.find((each) => each.includes("printf")) ?? "", "exited 0");
});

Deno.test("outpost exec passes on every byte of what comes faster than it is read", async () => {
  await using agent = await startAgent();
  const [output, errors] = ["seq 1 4000000", "seq 1 3000000 | tr '\\n' '\\000'"];

  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "main.ts"), "exec", "--", `{ ${errors}; } >&2 & ${output}; wait`],
    ...{ env: { ...agent.env }, clearEnv: true, stdin: "null" },
  }).output();

  const expected = await Promise.all(
    [output, errors].map(async (line) => (await new Deno.Command("sh", { args: ["-c", line] }).output()).stdout),
  );
  assertEquals([code, stdout.length, stderr.length], [0, expected[0]!.length, expected[1]!.length]);
  assertEquals(await Promise.all([stdout, stderr].map(digest)), await Promise.all(expected.map(digest)));
});

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("outpost exec ends the command on Ctrl-C and waits for what it still says", async () => {
  await using agent = await startAgent();
  const script = "trap 'echo bye; exit 9' INT; echo ready; while :; do sleep 0.05; done";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "main.ts"), "exec", "--", script],
    ...{ env: { ...agent.env }, clearEnv: true, stdin: "null", stdout: "piped", stderr: "null" },
  }).spawn();

  let said = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (said === "" && chunk.startsWith("ready")) child.kill("SIGINT");
    said += chunk;
  }

  assertEquals([(await child.status).code, said], [9, "ready\nbye\n"]);
});

Deno.test("outpost start kills the processes it started at the second signal, their children too", async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(home, "stuck.ts"), STUCK);
    await Deno.writeTextFile(join(home, "agent.jsonc"), STUCK_CONFIG);
    await using agent = await startAgent({ args: ["--config", join(home, "agent.jsonc")] });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    // The shell and its child both hold the connection, which ends when both are gone.
    const command = `exec 3<>/dev/tcp/127.0.0.1/${listener.addr.port}; (trap "" TERM; sleep 3600)`;
    await agent.post("/api/v0/processes/start", { command: `exec bash -c '${command}'` });
    using connection = await listener.accept();
    using watcher = Deno.watchFs(agent.dir);

    agent.signal("SIGTERM");
    for await (const { paths } of watcher) if (paths.some((path) => path.endsWith("draining"))) break;
    agent.signal("SIGTERM");

    assertEquals(await connection.read(new Uint8Array(1)), null);
    assertEquals((await agent.ended).code, 143);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
