/**
 * The control plane and agents as real processes: killed, restarted, told to stop.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";

import type { ServiceClient } from "../../core/plugin.ts";
import { Agent, Lifecycle_State, Log_Level } from "../../core/proto/gen/agent_pb.ts";
import { Dialer } from "../../core/rpc/dial.ts";
import type { RpcLink } from "../../core/rpc/link.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { startAgent } from "../../test/agent_process.ts";
import { ReplaceableServer } from "./replaceable_server.ts";
import { type ServerProcess, startServer } from "./server_process.ts";
import { uuidBytes } from "./uuid.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;
interface View {
  readonly connection: string;
  readonly first_connected_at: string;
  readonly disconnected_at?: string;
  readonly lifecycle: string;
  readonly lifecycle_history: readonly { readonly state: string; readonly changed_at: string }[];
}

/** Looks again whenever the control plane tells of a change. */
async function until(server: ServerProcess, isTrue: (view: View) => boolean): Promise<View> {
  const response = await fetch(`${server.http}/api/events`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  for await (const _ of response.body!) {
    const view = await server.ask<View>("/api/agents/dev");
    if (isTrue(view)) return view;
  }
  throw new Error("the stream of events ended");
}

function startAgentOf(url: string) {
  return startAgent({ env: { CODER_AGENT_URL: url, CODER_AGENT_TOKEN: TOKEN } });
}

const statesOf = ({ lifecycle_history: history }: View) => history.map(({ state }) => state);

Deno.test("an agent that starts and stops is seen in every state, its last words included", async () => {
  await using server = await startServer();
  await using agent = await startAgentOf(server.http);
  await until(server, ({ lifecycle }) => lifecycle === "ready");

  agent.signal("SIGTERM");
  await agent.ended;

  const view = await until(server, ({ connection }) => connection === "disconnected");
  assertEquals(statesOf(view), ["starting", "ready", "shutting_down", "off"]);
});

Deno.test("an agent that is killed is disconnected at once, and connected again when it is started again", async () => {
  await using server = await startServer();
  await using first = await startAgentOf(server.http);
  const before = await until(server, ({ lifecycle }) => lifecycle === "ready");

  first.signal("SIGKILL");
  await first.ended;
  const gone = await until(server, ({ connection }) => connection === "disconnected");
  await using _second = await startAgentOf(server.http);
  const back = await until(
    server,
    ({ connection, lifecycle_history }) => connection === "connected" && lifecycle_history.length === 4,
  );

  assert(gone.disconnected_at! >= before.first_connected_at);
  assertEquals(back.first_connected_at, before.first_connected_at);
  assertEquals(statesOf(back), ["starting", "ready", "starting", "ready"]);
});

Deno.test("an agent outlives its control plane, and tells the next one how it ends", async () => {
  const dir = await Deno.makeTempDir();
  {
    await using door = new ReplaceableServer(["--database", join(dir, "plane.db")]);
    let server = await door.start();
    await using agent = await startAgentOf(door.url);
    await until(server, ({ lifecycle }) => lifecycle === "ready");

    for (let round = 0; round < 3; round++) {
      server = await door.replace();
      await until(server, ({ connection }) => connection === "connected");
    }
    agent.signal("SIGTERM");
    await agent.ended;

    const view = await until(server, ({ connection }) => connection === "disconnected");
    assertEquals(statesOf(view), ["starting", "ready", "shutting_down", "off"]);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a control plane killed in the middle of reports loses and doubles neither states nor log lines", async () => {
  const dir = await Deno.makeTempDir();
  const count = 200;
  {
    await using door = new ReplaceableServer(["--database", join(dir, "plane.db")]);
    let replacing = door.start();
    await using reporter = new Reporter(door.url);
    for (let index = 0; index < count; index++) {
      // Not awaited before the reports go on: some of them meet a dying server.
      if (index % 40 === 20) replacing = door.replace();
      await reporter.report(index);
      if (index % 40 === 39) await replacing;
    }
    const server = await replacing;

    const { lifecycle_history: history } = await server.ask<View>("/api/agents/dev");
    const { logs } = await server.ask<{ logs: { output: string }[] }>("/api/agents/dev/logs?limit=1000");
    // The view shows the last hundred.
    const nanos = history.map(({ changed_at: time }) => Number(time.slice(20, 29)));
    assertEquals(nanos, Array.from({ length: 100 }, (_, index) => count - 100 + index));
    assertEquals(logs.map(({ output }) => output), Array.from({ length: count }, (_, index) => `line ${index}`));
    assert(reporter.losses >= 5, `${reporter.losses} connections lost`);
  }
  await Deno.remove(dir, { recursive: true });
});

/** Reports as agents do: what was not answered is said again over a new connection. */
class Reporter implements AsyncDisposable {
  /** Connections that were lost in the middle of a report. */
  losses = 0;
  readonly #dialer: Dialer;
  #link: RpcLink | undefined;

  constructor(url: string) {
    this.#dialer = new Dialer({ url, token: () => TOKEN });
  }

  /** Reports one state and one line, both marked with `index`. */
  async report(index: number): Promise<void> {
    const time = { seconds: 1_767_225_600n, nanos: index };
    await this.#deliver((client) =>
      client.updateLifecycle({ lifecycle: { state: Lifecycle_State.READY, changedAt: time } })
    );
    await this.#deliver((client) =>
      client.batchCreateLogs({
        logSourceId: uuidBytes(TOKEN),
        logs: [{ createdAt: time, level: Log_Level.INFO, output: `line ${index}` }],
      })
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link?.close();
    await this.#link?.released;
  }

  async #deliver(call: (client: ServiceClient<typeof Agent>) => Promise<unknown>): Promise<void> {
    const stop = AbortSignal.timeout(HANG_MS);
    while (true) {
      try {
        const link = this.#link ??= await this.#dialer.dial(stop);
        await call(typedClient(Agent, (method) => link.channelFor(method)));
        return;
      } catch {
        stop.throwIfAborted();
        this.#link?.close();
        await this.#link?.released;
        this.#link = undefined;
        this.losses += 1;
      }
    }
  }
}

Deno.test("the program says what is wrong with its flags and files, and ends with 2", async () => {
  const dir = await Deno.makeTempDir();
  const file = join(dir, "agents.jsonc");
  await Deno.writeTextFile(file, `{\n  "agents": [{ "name": "a", "token": "x" }]\n}`);
  const run = async (...args: string[]) => {
    const main = new URL("main.ts", import.meta.url).pathname;
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", main, ...args] });
    const { code, stderr } = await deadline(command.output(), HANG_MS);
    return [code, new TextDecoder().decode(stderr)] as const;
  };

  const [badFile, aboutFile] = await run("--agents", file);
  const [badFlag, aboutFlag] = await run("--listen", "here");

  assertEquals([badFile, badFlag], [2, 2]);
  assert(aboutFile.includes(`${file}:2:`), aboutFile);
  assert(aboutFlag.includes('--listen is "here"'), aboutFlag);
  await Deno.remove(dir, { recursive: true });
});
