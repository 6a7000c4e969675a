/**
 * An agent with little memory, and clients who send and make more than it has.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, ROOT, startAgent } from "../agent_process.ts";

const MEBIBYTE = 1024 * 1024;
/** Memory for JavaScript, in MiB: a few times what the agent needs, a fraction of what the clients send. */
const HEAP_MIB = 300;
/** Requests at once, each with the largest body that is allowed: 960 MiB together. */
const REQUESTS = 60;
const COMMAND = [
  ...[Deno.execPath(), "run", "-A", "--no-prompt", `--v8-flags=--max-old-space-size=${HEAP_MIB}`],
  join(ROOT, "main.ts"),
];

Deno.test("outpost start refuses with 429 what many large requests leave no memory for, and lives on", async () => {
  await using agent = await startAgent({ command: ["sh", "-c", 'ulimit -c 0; exec "$@"', "sh", ...COMMAND] });
  const body = JSON.stringify({ command: "echo ran", padding: "x".repeat(15 * MEBIBYTE) });
  const streamed = () => new Blob([body]).stream();

  const statuses = await Promise.all(Array.from({ length: REQUESTS }, async (_, index) => {
    const init = { method: "POST", body: index % 2 === 0 ? body : streamed() };
    return (await agent.fetch("/api/v0/processes/start", init).then(drained)).status;
  }));

  assert(statuses.includes(200) && statuses.includes(429), statuses.join(" "));
  assertEquals(statuses.filter((status) => ![200, 429].includes(status)), []);
  await endsCleanly(agent);
});

Deno.test("outpost start keeps a part of what many commands write at once, and lives on", async () => {
  await using agent = await startAgent({ command: ["sh", "-c", 'ulimit -c 0; exec "$@"', "sh", ...COMMAND] });

  const ids = await Promise.all(Array.from({ length: 8 }, async () => {
    const command = "head -c 100000000 /dev/zero | tr '\\0' x";
    return (await agent.post<{ id: string }>("/api/v0/processes/start", { command })).id;
  }));
  const outputs = await Promise.all(
    ids.map(async (id) => (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json()),
  );

  for (const { output, running, exit_code } of outputs) {
    assertEquals([running, exit_code], [false, 0]);
    assert(output.length > 1000 && output.length < MEBIBYTE, `${output.length}`);
  }
  await endsCleanly(agent);
});

async function endsCleanly(agent: AgentProcess): Promise<void> {
  assertEquals((await agent.fetch("/healthz").then(drained)).status, 200);
  agent.signal("SIGTERM");
  const { code, stderr } = await agent.ended;
  assertEquals(code, 0, stderr.join("\n"));
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
