/**
 * Machines that lack what most have: the agent starts, says what it cannot do, and does the rest.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, ROOT, startAgent } from "../agent_process.ts";

const MAIN = [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];
/** Longest wait for a terminal, in milliseconds. Only ends hangs. */
const HANG_MS = 60_000;
const AS_ROOT = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];

/** Runs the agent with mounts of its own, which `setUp` makes. */
function withMounts(setUp: string): string[] {
  return ["unshare", ...AS_ROOT, "--mount", "sh", "-ec", `${setUp}; exec "$@"`, "sh", ...MAIN];
}

Deno.test("outpost start works where the home directory cannot be written", async () => {
  const home = await Deno.makeTempDir();
  try {
    await using agent = await startAgent({
      command: withMounts(`mount -t tmpfs -o ro tmpfs '${home}'`),
      env: { HOME: home },
    });

    assertEquals(await run(agent, "touch ~/x 2>/dev/null || echo refused"), "refused\n");
    await endsCleanly(agent);
  } finally {
    await Deno.remove(home);
  }
});

Deno.test("outpost start works without bash, also for a user whose shell it is", async () => {
  await using agent = await startAgent({
    command: withMounts(
      "for shell in /bin/bash /usr/bin/bash; do [ ! -f $shell ] || mount --bind /dev/null $shell; done",
    ),
    env: { SHELL: "/bin/bash" },
  });

  assertEquals(await run(agent, "/bin/bash -c true 2>/dev/null || echo no bash"), "no bash\n");
  assertEquals(await typed(agent, "echo from $0"), "from /bin/sh");
  await endsCleanly(agent);
});

Deno.test("outpost start works where /tmp cannot be written", async () => {
  await using agent = await startAgent({
    parent: "/var/tmp",
    command: withMounts("mount --bind /tmp /tmp; mount -o remount,bind,ro /tmp"),
  });

  assertEquals(await run(agent, "touch /tmp/x 2>/dev/null || echo refused"), "refused\n");
  await endsCleanly(agent);
});

Deno.test("outpost start works for a user whom no database knows", async () => {
  const command = ["unshare", "--user", "--map-user=54321", "--map-group=54321", ...MAIN];
  await using agent = await startAgent({ command });

  assertEquals(await run(agent, "id -u; whoami 2>/dev/null || echo unknown"), "54321\nunknown\n");
  assertEquals(await typed(agent, "echo from $0"), "from /bin/sh");
  await endsCleanly(agent);
});

Deno.test("outpost start answers and recovers when files run out", async () => {
  const command = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", ...MAIN];
  await using agent = await startAgent({ command });
  const started: string[] = [];

  let refusal: Response | undefined;
  while (refusal === undefined) {
    const response = await agent.fetch("/api/v0/processes/start", {
      method: "POST",
      body: JSON.stringify({ command: "sleep 1000" }),
    });
    if (response.ok) started.push((await response.json()).id);
    else refusal = response;
  }
  const problem = await refusal.json();
  assert(started.length < 100);
  assertEquals([refusal.status, problem.code], [500, "spawn_failed"], JSON.stringify(problem));
  assertEquals((await agent.fetch("/healthz").then(drained)).status, 200);

  for (const id of started) await agent.post(`/api/v0/processes/${id}/signal`, { signal: "kill" });
  assertEquals(await run(agent, "echo again"), "again\n");
  await endsCleanly(agent);
});

Deno.test("outpost start goes on after it was stopped and continued, with what was asked meanwhile", async () => {
  await using agent = await startAgent();
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", {
    command: "read line; echo got $line",
    stdin: "piped",
  });
  const waiting = agent.fetch(`/api/v0/processes/${id}/output?wait=true`);

  agent.signal("SIGSTOP");
  const asked = agent.fetch(`/api/v0/processes/${id}/stdin?close=true`, { method: "POST", body: "hello\n" });
  agent.signal("SIGCONT");

  assertEquals((await asked.then(drained)).status, 200);
  assertEquals((await (await waiting).json()).output, "got hello\n");
  await endsCleanly(agent);
});

/** Runs a line and returns its output. */
async function run(agent: AgentProcess, command: string): Promise<string> {
  const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command });
  return (await (await agent.fetch(`/api/v0/processes/${id}/output?wait=true`)).json()).output;
}

/** Types a line into a terminal and returns the line that it answers. */
async function typed(agent: AgentProcess, line: string): Promise<string> {
  const socket = new WebSocket(`${agent.http.replace("http", "ws")}/api/v0/pty?reconnect=${crypto.randomUUID()}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  socket.binaryType = "arraybuffer";
  const answer = Promise.withResolvers<string>();
  let screen = "";
  socket.onopen = () => socket.send(new TextEncoder().encode(JSON.stringify({ data: `${line}\r` })));
  socket.onmessage = ({ data }) => {
    screen += typeof data === "string" ? data : new TextDecoder().decode(data);
    // What the terminal draws for a new viewer has its own marks around the words.
    const found = /from (?:\/\w+)*\/?\w*sh/.exec(screen);
    if (found) answer.resolve(found[0]);
  };
  const closed = Promise.withResolvers<void>();
  socket.onclose = () => {
    answer.reject(new Error(`The terminal closed; it showed: ${screen}`));
    closed.resolve();
  };
  try {
    return await deadline(answer.promise, HANG_MS);
  } finally {
    socket.close();
    await closed.promise;
  }
}

async function endsCleanly(agent: AgentProcess): Promise<void> {
  agent.signal("SIGTERM");
  const { code, stderr } = await agent.ended;
  assertEquals(code, 0, stderr.join("\n"));
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
