/** The agent with its plugins when the control plane is there and does nothing any more. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { Agent, Lifecycle_State } from "../../core/proto/gen/agent_pb.ts";
import { parseVersion } from "../../core/rpc/api_version.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { SessionLink } from "../../core/rpc/link.ts";
import { serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { createTestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { ConnectionReports } from "../../plugins/controlplane/service.ts";
import { Cable } from "./cable.ts";
import { PLUGINS, script, serviceWith, TOKEN, turn, withDataDir } from "./reporting_agent.ts";

Deno.test("an agent whose TCP connection is dead at the other end finds out by its pings, and says what is new over another", async () => {
  const states: string[] = [];
  const router = new ServiceRouter();
  const started = Promise.withResolvers<void>();
  await withDataDir(async (agentSettings) => {
    const pipe = join(agentSettings.scriptDataDir, "pipe");
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    router.add(
      Agent,
      serviceWith({ scripts: [script({ script: `read x < ${pipe}`, runOnStart: true })] }, {
        updateLifecycle({ lifecycle }) {
          states.push(Lifecycle_State[lifecycle!.state]);
          started.resolve();
          return {};
        },
      }),
    );
    await using server = serveAgents(router);
    await using cable = new Cable(server.port);
    const agent = await createTestAgent({
      plugins: PLUGINS,
      agent: { controlPlane: { url: `http://127.0.0.1:${cable.port}`, token: TOKEN }, ...agentSettings },
    });
    await started.promise;
    await settled();

    cable.cut();
    await Deno.writeTextFile(pipe, "go on\n");
    const cutAt = agent.clock.now();
    for (; cable.connections < 2; await settled()) await agent.clock.advance(1000);
    const noticedMs = agent.clock.now() - cutAt;
    while (!states.includes("READY")) await settled();

    // The answer to the first may have been lost on the way; then it is said again.
    assertEquals([...new Set(states)], ["STARTING", "READY"]);
    assert(noticedMs <= PING_MS + ANSWER_MS + 5000, `${noticedMs} ms`);
    await agent[Symbol.asyncDispose]();
  });
});

/** Time between two pings of the agent, and for each to be answered, in milliseconds. */
const PING_MS = 30_000;
const ANSWER_MS = 10_000;

/** Lets real sockets do what they have to. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn();
}

function serveAgents(router: ServiceRouter) {
  const sessions: YamuxSession[] = [];
  const served: Promise<void>[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server", keepAliveMs: 0 });
      sessions.push(session);
      served.push(serveSession(session, router.handle).then(() => session.released));
    };
    return response;
  });
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.close();
      await Promise.all(served);
      await server.shutdown();
    },
  };
}

/** Bytes a script writes while nobody reads; far more than may be kept. */
const FLOOD_BYTES = 48 * 1024 * 1024;
/** What memory may grow meanwhile, garbage included. */
const FLOOD_MAX_BYTES = 64 * 1024 * 1024;

Deno.test("an agent whose control plane stops reading stays in bounds, stops in time, and holds up no script", async () => {
  const stalled = new AbortController();
  const seen: string[] = [];
  const router = new ServiceRouter();
  const flood = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x | fold -w 99; echo done >&2`;
  router.add(
    Agent,
    serviceWith({ scripts: [script({ script: flood, runOnStart: true })] }, {
      updateLifecycle({ lifecycle }) {
        seen.push(Lifecycle_State[lifecycle!.state]);
        stalled.abort();
        return {};
      },
    }),
  );
  const [ours, theirs] = bytePipe();
  const server = new YamuxSession(stallable(ours, stalled.signal), { role: "server", keepAliveMs: 0 });
  void serveSession(server, router.handle);
  const link = new SessionLink(new YamuxSession(theirs, { role: "client", keepAliveMs: 0 }), parseVersion("2.10"));
  const plane = Object.assign(new TestControlPlane(), { dial: () => Promise.resolve(link) });
  await withDataDir(async (agentSettings) => {
    const agent = await createTestAgent({ plugins: PLUGINS, controlPlane: plane, agent: agentSettings });
    await new Promise((resolve) => stalled.signal.addEventListener("abort", resolve, { once: true }));
    const before = Deno.memoryUsage().heapUsed;
    const reports = agent.service(ConnectionReports);
    for (let count = 0; count < 100_000; count++) reports.connected("ssh", "");

    while (await agent.metric("agent_scripts_executed_total", { success: "true" }) !== 1) await agent.clock.advance(10);
    const grown = Deno.memoryUsage().heapUsed - before;
    let isStopped = false;
    const stopped = agent.stop().finally(() => isStopped = true);
    while (!isStopped) await agent.clock.advance(100);

    assertEquals((await stopped).unfinished, []);
    assertEquals(seen, ["STARTING"]);
    assert(grown < FLOOD_MAX_BYTES, `${grown} bytes more`);
    const dropped = agent.logs("warn").filter(({ message }) => message === "script log lines dropped");
    assert(dropped.reduce((sum, { fields }) => sum + Number(fields.count), 0) > 0);
    await agent[Symbol.asyncDispose]();
  });
  server.close();
  await server.released;
});

/** A stream that is not read any more once `stalled` aborts. */
function stallable(stream: ByteStream, stalled: AbortSignal): ByteStream {
  const closed = Promise.withResolvers<null>();
  return {
    read: () => stalled.aborted ? closed.promise : stream.read(),
    write: (bytes) => stream.write(bytes),
    closeWrite: () => stream.closeWrite(),
    close: (reason) => {
      closed.resolve(null);
      return stream.close(reason);
    },
  };
}
