/**
 * Machines that lack what most have: the agent starts, says what it cannot do, and does the rest.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, dirname, join } from "@std/path";

import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { type AgentProcess, isolatedEnv, ROOT, startAgent } from "../agent_process.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const MAIN = [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];
/** Longest wait for a terminal, in milliseconds. Only ends hangs. */
const HANG_MS = 60_000;
const AS_ROOT = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];

/** Runs the agent with mounts of its own, which `setUp` makes; `enter` is a command that runs another. */
function withMounts(setUp: string, enter = "", main: readonly string[] = MAIN): string[] {
  return ["unshare", ...AS_ROOT, "--mount", "sh", "-ec", `${setUp}; exec ${enter} "$@"`, "sh", ...main];
}

/** How the agent is started below another root. */
interface Elsewhere {
  readonly command: string[];
  readonly env: Record<string, string>;
}

/** Below another root everything of this machine is there but `/tmp`. @param readOnly Further directories that are of no use. */
function withoutTmp(root: string, readOnly: readonly string[] = []): Elsewhere {
  // What the agent consists of may itself be in /tmp.
  const needed = {
    "/of-deno": dirname(Deno.execPath()),
    "/of-cache": isolatedEnv(root).DENO_DIR!,
    "/of-outpost": ROOT,
  };
  const setUp = [
    `mount -t tmpfs tmpfs '${root}'`,
    // Links such as /bin stay what they are.
    `for each in /*; do ` + [
      `[ "$each" != /tmp ] || continue`,
      `if [ -L "$each" ]; then cp -P "$each" '${root}'"$each"`,
      `elif [ -d "$each" ]; then mkdir '${root}'"$each" && mount --rbind "$each" '${root}'"$each"`,
      `fi; done`,
    ].join("; ").replaceAll("; elif", " ; elif"),
    ...Object.entries(needed).map(([at, from]) => `mkdir '${root}${at}' && mount --bind '${from}' '${root}${at}'`),
    ...readOnly.map((directory) => `mount -t tmpfs -o ro tmpfs '${root}${directory}'`),
    // Nobody makes one, not even root.
    `mount -o remount,ro '${root}'`,
  ].join("; ");
  const main = [`/of-deno/${basename(Deno.execPath())}`, "run", "-A", "--no-prompt", "/of-outpost/main.ts"];
  return { command: withMounts(setUp, `chroot '${root}'`, main), env: { DENO_DIR: "/of-cache" } };
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

Deno.test("outpost start works where there is no /tmp", async () => {
  const root = await Deno.makeTempDir({ dir: "/var/tmp" });
  try {
    await using agent = await startAgent({ parent: "/var/tmp", ...withoutTmp(root) });

    assertEquals(await run(agent, "mkdir -p /tmp 2>/dev/null || echo none"), "none\n");
    assertMatch(await typed(agent, "echo from $0"), /sh$/);
    await endsCleanly(agent);
  } finally {
    await Deno.remove(root);
  }
});

for (const [where, isWritable] of [["there is no /tmp", true], ["nothing temporary can be written", false]] as const) {
  Deno.test(`outpost start serves its control plane where ${where}`, async () => {
    const root = await Deno.makeTempDir({ dir: "/var/tmp" });
    const scripts = [{ name: "start", script: "echo from a script", runOnStart: true }];
    const agents = parseAgentsFile(
      JSON.stringify({ agents: [{ name: "dev", token: TOKEN, scripts, gitAuthConfigs: 1 }] }),
      "test",
    );
    await using plane = startControlPlane({ agents, logSink: () => {} });
    const ask = async (path: string) => {
      const headers = { authorization: `Bearer ${plane.token}` };
      return await (await fetch(`${plane.address}/api/agents/dev${path}`, { headers })).json();
    };
    {
      const { command, env } = withoutTmp(root, isWritable ? [] : ["/var/tmp", "/dev/shm"]);
      await using agent = await startAgent({
        parent: "/var/lib",
        command,
        env: { ...env, CODER_AGENT_URL: plane.address, CODER_AGENT_TOKEN: TOKEN },
      });
      const endsAt = performance.now() + HANG_MS;
      while (!/ready|error/.test((await ask("")).lifecycle) && performance.now() < endsAt);
      while ((await ask("/logs")).logs.length === 0 && performance.now() < endsAt);
      const desktop = await agent.fetch("/api/v0/desktop/action", { method: "POST", body: JSON.stringify(CURSOR) });

      const [{ output }] = (await ask("/logs")).logs;
      assertEquals((await ask("")).lifecycle, isWritable ? "ready" : "start_error");
      assertMatch(output, isWritable ? /^from a script$/ : /^Cannot run the script: .*scriptDataDir/);
      assertMatch(
        (await desktop.json()).detail,
        isWritable ? /need the directory "\/tmp"/ : /set TMPDIR to a directory/,
      );
      await endsCleanly(agent);
    }
    await Deno.remove(root);
  });
}

const CURSOR = { action: "cursor_position" };

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
