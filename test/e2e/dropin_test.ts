/**
 * The agent in the place of Coder's: started by a template's script, with nothing but its variables.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { writeProgram } from "../../core/testing_program.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { type ControlPlane, startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { type AgentProcess, isolatedEnv, ROOT, runAgent, startAgent } from "../agent_process.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** Longest wait for anything, in milliseconds; it only ends hangs. */
const HANG_MS = 120_000;
// The waits for events leave timers behind.
const LOOSE = { sanitizeOps: false, sanitizeResources: false };

interface AgentView {
  readonly lifecycle: string;
  readonly owner: string;
  readonly startup?: { readonly subsystems: readonly string[] };
  readonly lifecycle_history: readonly { readonly state: string }[];
}

function startPlane(agent: Record<string, unknown> = {}): ControlPlane {
  const agents = parseAgentsFile(JSON.stringify({ agents: [{ name: "dev", token: TOKEN, ...agent }] }), "test");
  return startControlPlane({ agents, logSink: () => {} });
}

/** Looks again whenever the control plane tells of a change. */
async function until({ address, token }: ControlPlane, isTrue: (agent: AgentView) => boolean): Promise<AgentView> {
  const headers = { authorization: `Bearer ${token}` };
  const events = await fetch(`${address}/api/events`, { headers, signal: AbortSignal.timeout(HANG_MS) });
  for await (const _ of events.body!) {
    const agent: AgentView = await (await fetch(`${address}/api/agents/dev`, { headers })).json();
    if (isTrue(agent)) return agent;
  }
  throw new Error("the stream of events ended");
}

/** Variables as templates set them. Ports are free ones, paths belong to the test. */
function variables(plane: { readonly address: string }, directory: string): Record<string, string> {
  return {
    CODER_AGENT_AUTH: "token",
    CODER_AGENT_TOKEN: TOKEN,
    CODER_AGENT_URL: plane.address,
    CODER_AGENT_PROMETHEUS_ADDRESS: "127.0.0.1:0",
    CODER_AGENT_DEBUG_ADDRESS: "127.0.0.1:0",
    CODER_AGENT_SOCKET_PATH: join(directory, "coder-agent.sock"),
    CODER_AGENT_LOG_DIR: join(directory, "logs"),
    TMPDIR: directory,
  };
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function shell(agent: AgentProcess, line: string): Promise<string> {
  const { code, stdout, stderr } = await runAgent(["exec", "--", line], { env: agent.env, cwd: agent.dir });
  assertEquals(code, 0, stderr.join("\n"));
  return stdout.join("\n");
}

/** The program under the name that templates start, with the script around it that they have. */
async function writeInitScript(directory: string): Promise<string> {
  const program = join(directory, "coder");
  const main = join(ROOT, "main.ts");
  await writeProgram(program, `#!/bin/sh\nexec "${Deno.execPath()}" run -A --no-prompt "${main}" "$@"\n`);
  const script = join(directory, "init.sh");
  await writeProgram(
    script,
    `#!/usr/bin/env sh\nset -eux\nBINARY_DIR=${directory}\ncd $BINARY_DIR\nexport CODER_AGENT_AUTH="token"\nexec ./coder "$@"\n`,
  );
  return script;
}

Deno.test(
  "a template's script starts the agent with nothing but Coder's variables",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      await using plane = startPlane({ environment: { GREETING: "hello" }, directory: "~" });
      const env = { ...variables(plane, directory), CODER_AGENT_SUBSYSTEM: "exectrace,envbox" };
      await using agent = await startAgent({ command: [await writeInitScript(directory)], verb: "agent", env });

      const { startup } = await until(plane, ({ lifecycle }) => lifecycle === "ready");
      const told = await shell(agent, 'echo "$CODER_AGENT_TOKEN $CODER_AGENT_URL $GREETING $CODER"');
      const metrics = await (await fetch(String(agent.listening.prometheus))).text();
      const manifest = await (await fetch(`${agent.listening.debug}/debug/manifest`)).json();
      const shown = await (await fetch(`${agent.listening.debug}/debug/logs`)).text();

      assertEquals(startup?.subsystems, ["envbox", "exectrace"]);
      assertEquals(told, `${TOKEN} ${plane.address} hello true`);
      assertMatch(metrics, /^agent_build_info/m);
      assertEquals(manifest.environment_variables, { GREETING: "***REDACTED***" });
      assertEquals(shown, await Deno.readTextFile(join(directory, "logs/coder-agent.log")));
      assertMatch(shown, /\[DBG\] outpost\.core: plugin state/);
      assert(!shown.includes(TOKEN), "the token is in no log");
      assertEquals((await Deno.stat(join(directory, "coder-agent.sock"))).isSocket, true);
      agent.signal("SIGTERM");
      assertEquals((await agent.ended).code, 0);
      await until(plane, ({ lifecycle }) => lifecycle === "off");
    }),
);

Deno.test(
  "the agent serves nothing on empty addresses, says so, and connects",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      await using plane = startPlane();
      const env = variables(plane, directory);
      await using agent = await startAgent({
        verb: "agent",
        args: ["--pprof-address=", "--prometheus-address", "", "--debug-address="],
        env,
      });

      await until(plane, ({ lifecycle }) => lifecycle === "ready");

      const log = await Deno.readTextFile(join(directory, "logs/coder-agent.log"));
      for (const name of ["pprof", "prometheus", "debug"]) {
        assertStringIncludes(log, `${name} address is empty, disabling ${name} server`);
      }
      assertEquals([agent.listening.prometheus, agent.listening.debug], [undefined, undefined]);
    }),
);

Deno.test(
  "outpost agent below a parent also has the parent's log, beside its own",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      await using plane = startPlane();
      await using agent = await startAgent({ verb: "agent", args: ["--reaper"], env: variables(plane, directory) });
      await until(plane, ({ lifecycle }) => lifecycle === "ready");

      agent.signal("SIGTERM");
      const { stderr } = await agent.ended;

      const log = await Deno.readTextFile(join(directory, "logs/coder-agent-init.log"));
      const messages = [
        "spawning reaper process",
        "reaper catching signals",
        "reaper caught signal, killing child process",
        "child process exited, propagating exit code",
      ];
      assertEquals(log.split("\n").map((line) => messages.find((each) => line.includes(`outpost.reaper: ${each}`))), [
        ...messages,
        undefined,
      ]);
      for (const message of messages) assertStringIncludes(stderr.join("\n"), `"${message}"`);
    }),
);

Deno.test(
  "the agent sends its headers with every request, its own and those of the command",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      const seen = new Map<string, string>();
      const done = Promise.withResolvers<void>();
      await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url, headers }) => {
        seen.set(new URL(url).pathname, `${headers.get("x-testing")} ${headers.get("x-made")}`);
        if (seen.size === 2) done.resolve();
        return new Response(null, { status: 401 });
      });
      const env = variables({ address: `http://127.0.0.1:${server.addr.port}` }, directory);
      await using _ = await startAgent({
        verb: "agent",
        args: ["--agent-header", "X-Testing=agent", "--agent-header-command", 'echo "X-Made=for $CODER_URL"'],
        env,
      });

      await done.promise;

      const expected = `agent for ${env.CODER_AGENT_URL}`;
      assertEquals(Object.fromEntries(seen), {
        "/api/v2/workspaceagents/me/rpc": expected,
        "/api/v2/workspaceagents/me/reinit": expected,
      });
    }),
);

Deno.test(
  "a prebuilt workspace that is claimed gets a new life in the same process, once per owner",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      await using plane = startPlane({ owner: "prebuilds", prebuilt: true });
      const claim = async (owner: string) => {
        const response = await fetch(`${plane.address}/api/agents/dev/claim`, {
          method: "POST",
          headers: { authorization: `Bearer ${plane.token}` },
          body: JSON.stringify({ owner }),
        });
        assertEquals(response.status, 200);
        await response.body?.cancel();
      };
      const readies = ({ lifecycle_history: history }: AgentView) =>
        history.filter(({ state }) => state === "ready").length;
      await using agent = await startAgent({ verb: "agent", env: variables(plane, directory) });
      await until(plane, (view) => readies(view) === 1);
      const owner = 'echo "$CODER_WORKSPACE_OWNER_NAME"';
      assertEquals(await shell(agent, owner), "prebuilds");

      await claim("ada");
      await until(plane, (view) => readies(view) === 2);
      assertEquals(await shell(agent, owner), "ada");
      await claim("ada"); // No news: the agent stays.
      await claim("bob");
      const { lifecycle_history: history } = await until(plane, (view) => readies(view) === 3);
      assertEquals(await shell(agent, owner), "bob");

      agent.signal("SIGTERM");
      const { code, stdout } = await agent.ended;
      const pids = stdout.map((line) => JSON.parse(line)).filter(({ event }) => event === "listening").map((line) =>
        line.pid
      );
      const life = ["starting", "ready", "shutting_down", "off"];
      assertEquals([code, pids], [0, [agent.pid, agent.pid, agent.pid]]);
      assertEquals(history.map(({ state }) => state), [...life, ...life, "starting", "ready"]);
    }),
);

Deno.test(
  "the agent refuses what it cannot do before anything runs, all at once, with 2",
  LOOSE,
  () =>
    inDirectory(async (directory) => {
      const env = isolatedEnv(directory);

      const { code, stdout, stderr } = await runAgent(["agent", "--ssh-max-timeout", "3 days"], {
        env,
        cwd: directory,
      });

      assertEquals([code, stdout], [2, []]);
      for (const part of ["3 problems", "CODER_AGENT_URL", "CODER_AGENT_TOKEN", "--ssh-max-timeout"]) {
        assertStringIncludes(stderr.join("\n"), part);
      }
    }),
);
