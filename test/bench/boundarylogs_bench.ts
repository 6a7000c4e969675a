/**
 * How many audit entries the boundary log plugin decodes and queues per second, from bytes in memory and through its socket; beside
 * reading the same bytes from a socket and doing nothing with them. Then how many go all the way: through an agent into the reference
 * control plane's database, each a process of its own; beside the same reports sent without an agent. Also calls per second on the agent
 * socket.
 *
 * Run with `deno run -A test/bench/boundarylogs_bench.ts`; prints one JSON line per figure.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { join } from "@std/path";

import { create, toBinary } from "@bufbuild/protobuf";

import { type ServerProcess, startServer } from "../../examples/control-plane/server_process.ts";
import { Agent, ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";
import { AgentSocket } from "../../core/proto/gen/agentsocket_pb.ts";
import { BoundaryMessageSchema } from "../../core/proto/gen/boundary_pb.ts";
import { connByteStream } from "../../core/rpc/conn_byte_stream.ts";
import { Dialer } from "../../core/rpc/dial.ts";
import { DrpcClient } from "../../core/rpc/drpc/client.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import agentsocket from "../../plugins/agentsocket/mod.ts";
import { decodeFrame } from "../../plugins/boundarylogs/boundary_message.ts";
import { BatchQueue } from "../../plugins/boundarylogs/batch_queue.ts";
import { encodeFrame, FrameReader, FrameTag } from "../../plugins/boundarylogs/frame.ts";
import boundarylogs from "../../plugins/boundarylogs/mod.ts";
import { startAgent } from "../agent_process.ts";

/** Batches per round. */
const BATCHES = Number(Deno.env.get("OUTPOST_BENCH_RUNS") ?? 20_000);
/** Entries per batch: the jail's own figure. */
const ENTRIES = 10;
/** Rounds; the median counts. One more comes first and is not counted. */
const ROUNDS = 5;
/** Calls of the agent socket per round. */
const CALLS = Math.ceil(BATCHES / 4);
/** Batches per round that are stored. */
const STORED_BATCHES = Math.ceil(BATCHES / 20);
/** Milliseconds between two looks at what is stored, so that looking costs little. */
const LOOK_MS = 10;
/** Time after which entries that are not stored are taken as lost, in milliseconds. */
const LOST_MS = 60_000;
/** Of the agent `dev` in the file that comes with the control plane. */
const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";

/** What a busy jail reports at once. */
const REPORT = create(ReportBoundaryLogsRequestSchema, {
  sessionId: "6ad9d8c1-4b0c-4e0a-9a4e-0f2d6a1c7b11",
  logs: Array.from({ length: ENTRIES }, (_, sequenceNumber) => ({
    allowed: true,
    sequenceNumber,
    time: { seconds: 1767225600n, nanos: 123_456_789 },
    resource: {
      case: "httpRequest" as const,
      value: {
        method: "GET",
        url: "https://registry.example.com/package/file",
        matchedRule: "domain=example.com",
      },
    },
  })),
});
const frame = encodeFrame(
  FrameTag.envelope,
  toBinary(BoundaryMessageSchema, create(BoundaryMessageSchema, { msg: { case: "logs", value: REPORT } })),
);

async function perSecond(count: number, run: () => Promise<void> | void): Promise<number> {
  const figures: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const startedAt = performance.now();
    await run();
    if (round > 0) figures.push(count / ((performance.now() - startedAt) / 1000));
  }
  return figures.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

function print(name: string, value: number, more: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ name, value: Math.round(value), unit: "1/s", ...more }));
}

/** Many frames in one piece, as a busy jail's writes arrive. */
const chunk = new Uint8Array(frame.length * 50);
for (let i = 0; i < 50; i++) chunk.set(frame, i * frame.length);

function decodeAll(): void {
  const reader = new FrameReader();
  const queue = new BatchQueue<unknown>(100);
  let taken = 0;
  for (let left = BATCHES * frame.length; left > 0;) {
    const space = reader.space();
    const count = Math.min(space.length, left, chunk.length - taken);
    space.set(chunk.subarray(taken, taken + count));
    taken = (taken + count) % chunk.length;
    left -= count;
    for (const each of reader.filled(count)) {
      const event = decodeFrame(each);
      if (event.kind === "logs" && !queue.offer(event.request)) queue.clear();
    }
  }
}

async function writeAll(path: string, batches = BATCHES): Promise<void> {
  using connection = await Deno.connect({ transport: "unix", path });
  for (let left = batches * frame.length; left > 0;) {
    const part = chunk.subarray(0, Math.min(chunk.length, left));
    for (let rest = part; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
    left -= part.length;
  }
}

const folder = await Deno.makeTempDir({ prefix: "outpost-bench-" });
const paths = {
  floor: join(folder, "floor.sock"),
  boundary: join(folder, "boundary.sock"),
  stored: join(folder, "stored.sock"),
  agent: join(folder, "rpc.sock"),
};
const agent = await createTestAgent({
  plugins: [boundarylogs, agentsocket],
  config: { boundarylogs: { socketPath: paths.boundary } },
  agent: { listen: { tcp: null, unix: null, agentSocket: paths.agent } },
});

/** Batches the plugin has decoded: queued, or dropped because the queue is full and nobody forwards. */
async function decoded(): Promise<number> {
  const dropped = await agent.metric("agent_boundary_log_proxy_batches_dropped_total", { reason: "buffer_full" }) ?? 0;
  return dropped + (await agent.metric("agent_boundarylogs_queued_batches") ?? 0);
}

async function throughPlugin(): Promise<void> {
  const target = await decoded() + BATCHES;
  await writeAll(paths.boundary);
  while (await decoded() < target) await new Promise((resolve) => setImmediate(resolve));
}

/** Reads the bytes and looks at none of them. */
async function throughBareSocket(): Promise<void> {
  using listener = Deno.listen({ transport: "unix", path: paths.floor });
  const writing = writeAll(paths.floor);
  using connection = await listener.accept();
  const buffer = new Uint8Array(64 * 1024);
  while (await connection.read(buffer) !== null);
  await writing;
  await Deno.remove(paths.floor);
}

/** Entries that the control plane's database has ever held: their ids count from 1. */
async function storedAt(server: ServerProcess): Promise<number> {
  const { entries } = await server.ask<{ entries: { readonly id: number }[] }>("/api/agents/dev/boundary?limit=1");
  return entries.at(-1)?.id ?? 0;
}

/** Sends a round and waits until every entry of it is stored. @throws {Error} When entries were lost. */
async function untilStored(server: ServerProcess, send: () => Promise<void>): Promise<void> {
  const target = await storedAt(server) + STORED_BATCHES * ENTRIES;
  await send();
  const lost = performance.now() + LOST_MS;
  for (let stored = await storedAt(server); stored !== target; stored = await storedAt(server)) {
    if (performance.now() > lost) throw new Error(`Cannot measure: ${stored} entries are stored, not ${target}`);
    await delay(LOOK_MS);
  }
}

/** Reports one batch after the other over a connection like the agent's. */
async function storedWithoutAgent(server: ServerProcess): Promise<number> {
  const dialer = new Dialer({ url: server.http, role: "agent", token: () => TOKEN });
  const link = await dialer.dial(new AbortController().signal);
  const { reportBoundaryLogs } = typedClient(Agent, (method) => link.channelFor(method));
  const figure = await perSecond(STORED_BATCHES * ENTRIES, () =>
    untilStored(server, async () => {
      for (let i = 0; i < STORED_BATCHES; i++) await reportBoundaryLogs(REPORT);
    }));
  link.close();
  await link.released;
  return figure;
}

async function storedThroughAgent(server: ServerProcess, socket: string): Promise<number> {
  await using agent = await startAgent({
    // A round fits, so that none of it is lost and every entry counts.
    args: ["--set", `plugins.boundarylogs.config.queuedBatches=${STORED_BATCHES}`],
    env: {
      CODER_AGENT_URL: server.http,
      CODER_AGENT_TOKEN: TOKEN,
      CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: socket,
    },
  });
  // The first round, which does not count, waits for the connection too.
  const figure = await perSecond(
    STORED_BATCHES * ENTRIES,
    () => untilStored(server, () => writeAll(socket, STORED_BATCHES)),
  );
  agent.signal("SIGTERM");
  await agent.ended;
  return figure;
}

async function callAgentSocket(): Promise<void> {
  using connection = new DrpcClient(connByteStream(await Deno.connect({ transport: "unix", path: paths.agent })));
  const { ping } = typedClient(AgentSocket, () => connection);
  for (let i = 0; i < CALLS; i++) await ping({});
}

try {
  const entries = BATCHES * ENTRIES;
  const note = `batches of ${ENTRIES}, ${frame.length} bytes each; the aim is 100000`;
  print("boundary entries decoded and queued", await perSecond(entries, decodeAll), { note });
  const floor = await perSecond(entries, throughBareSocket);
  const value = await perSecond(entries, throughPlugin);
  print("boundary entries through the socket, decoded and queued or dropped", value, {
    floor: Math.round(floor),
    note,
  });
  await using server = await startServer();
  const direct = await storedWithoutAgent(server);
  const stored = await storedThroughAgent(server, paths.stored);
  print("boundary entries per second through agent and control plane", stored, {
    floor: Math.round(direct),
    ratio: Number((stored / direct).toFixed(2)),
    note: `entries in the control plane's database; the floor sends the same reports without an agent`,
  });
  print("agent socket calls, one after the other", await perSecond(CALLS, callAgentSocket), {
    note: "Ping; caller in the same process",
  });
} finally {
  await agent.stop();
  await Deno.remove(folder, { recursive: true });
}
