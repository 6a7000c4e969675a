/** The agent's configuration changes while people work. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { ReloadError } from "../../core/reload/reload_report.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import agentproc from "../../plugins/agentproc/mod.ts";
import terminals from "../../plugins/terminals/mod.ts";
import { type AgentProcess, type Ended, runAgent, startAgent } from "../agent_process.ts";
import { hasProgram, resultOf, startSshAgent } from "../ssh_agent.ts";

async function gitStatus(agent: AgentProcess): Promise<number> {
  const response = await agent.fetch("/api/v0/git/watch");
  await response.body?.cancel();
  return response.status;
}

function reload(agent: AgentProcess, ...flags: string[]): Promise<Ended> {
  return runAgent(["reload", ...flags], { env: agent.env, cwd: agent.dir });
}

Deno.test("outpost reload changes limits in place, names mistakes, and keeps a running process", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "agent.jsonc");
  const write = (agent: unknown, config: unknown) =>
    Deno.writeTextFile(file, JSON.stringify({ agent, plugins: { agentproc: { config } } }));
  try {
    await write({}, { maxProcesses: 1 });
    await using agent = await startAgent({ args: ["--config", file] });
    const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "sleep 600" });

    await write({}, { maxProcesses: 2 });
    const done = await reload(agent);
    assertEquals(done.code, 0, done.stderr.join("\n"));
    assert(done.stdout.some((line) => /^agentproc\s+reconfigured\s+running/.test(line)), done.stdout.join("\n"));
    await agent.post("/api/v0/processes/start", { command: "sleep 600" });

    await write({}, { maxProcesses: "many" });
    const wrong = await reload(agent);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr.join("\n"), `plugins.agentproc.config.maxProcesses: ${file}:1:`);

    await write({ http: { maxBodyBytes: 1000 } }, { maxProcesses: 2 });
    const waiting = await reload(agent);
    assertStringIncludes(waiting.stdout.join("\n"), "agent.http.maxBodyBytes waits for the next start of the agent");

    const list = await (await agent.fetch("/api/v0/processes/list")).json();
    const first = list.processes.find((process: { id: string }) => process.id === id);
    assertEquals([list.processes.length, first.running], [2, true]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("SIGUSR1 reloads, and the log says so", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "agent.jsonc");
  try {
    await Deno.writeTextFile(file, "{}");
    const agent = await startAgent({ args: ["--config", file] });
    try {
      await Deno.writeTextFile(file, `{ "plugins": { "agentgit": false } }`);
      agent.signal("SIGUSR1");
      while (await gitStatus(agent) !== 404) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      agent.signal("SIGTERM");
    }
    const { code, stderr } = await agent.ended;
    await agent[Symbol.asyncDispose]();
    assertEquals(code, 0);
    assert(stderr.some((line) => line.includes("configuration reloaded") && line.includes("agentgit: stopped")));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a reload is refused when it would end a person's terminal, and leaves it alone when it need not", async () => {
  await using agent = await createTestAgent({ plugins: [terminals, agentproc], ignoreErrors: true });
  const query = `id=11111111-2222-3333-4444-555555555555&width=80&height=24&command=${encodeURIComponent("cat")}`;
  const socket = await agent.webSocket(`/api/v0/pty?${query}`);

  const error = await assertRejects(() => agent.reload({ entries: { terminals: false } }), ReloadError);
  assertEquals(error.problems.map(({ path }) => path), ["plugins.terminals"]);

  const report = await agent.reload({ config: { terminals: { maxTerminals: 1 }, agentproc: { maxProcesses: 3 } } });
  assertEquals(report.plugins.map(({ action }) => action), ["reconfigured", "reconfigured"]);
  assertEquals((await agent.get(`/api/v0/pty?${query}`)).status, 426, "the terminal is there");
  const info = await (await agent.get("/api/v0/info")).json();
  assertEquals([info.limits.terminals.maxTerminals, info.limits.agentproc.maxProcesses], [1, 3]);

  const forced = await agent.reload({ entries: { terminals: false } }, { force: true });
  assertEquals(forced.plugins.find(({ id }) => id === "terminals")?.ended?.length, 1);
  assertEquals((await socket.closed).code, 1001);
});

Deno.test({
  name: "an SSH session goes on while the rules for new ones change",
  ignore: !hasProgram("ssh"),
  fn: async () => {
    await using ssh = await startSshAgent();
    const config = { allowAnonymous: true, hostKeyFile: join(ssh.home, "host_key") };
    const session = ssh.spawn(["ssh", "workspace", "echo up; read line; echo got $line"]);
    const output = session.stdout.getReader();
    await output.read();
    output.releaseLock();

    const report = await ssh.agent.reload({ config: { ssh: { ...config, blockFileTransfer: true } } });
    assertEquals(report.plugins.map(({ action }) => action), ["reconfigured"]);
    assertStringIncludes((await ssh.ssh("scp -f /etc/hostname")).out, "File transfer has been disabled");
    const refused = await assertRejects(
      () => ssh.agent.reload({ config: { ssh: { ...config, listen: "127.0.0.1:0", maxTimeoutMs: 1000 } } }),
      ReloadError,
    );
    assertEquals(refused.code, "reload_refused");
    assertEquals(ssh.agent.errors().length, 1);

    assertStringIncludes((await resultOf(session, "there\n")).out, "got there");
  },
});
