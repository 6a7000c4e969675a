/**
 * What the RPC connection costs over a bare WebSocket: calls, streams, and a thousand agents at one control plane.
 *
 * The server runs in a process of its own. Prints one JSON line per figure: `{"name", "value", "unit", "floor"?, "ratio"?}`.
 * `OUTPOST_BENCH_MIB` sets the size of a stream (default 256).
 *
 * @module
 */
import { systemClock } from "../../core/clock.ts";
import { Agent } from "../../core/proto/gen/agent_pb.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { DrpcClient } from "../../core/rpc/drpc/client.ts";
import { MultiplexedChannel, serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { dialWebSocket } from "../../core/rpc/web_socket_dial.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";

const MIB = 1024 * 1024;
const STREAM_BYTES = Number(Deno.env.get("OUTPOST_BENCH_MIB") ?? 256) * MIB;
/** Size of the pieces a stream is written in. */
const CHUNK_BYTES = 64 * 1024;
const CALLS = 20_000;
/** Calls under way at once, where several are. */
const PARALLEL = 64;
const AGENTS = 1_000;
/** Request and answer of the measured call, encoded: the floor echoes as many bytes. */
const CALL_BYTES = 45;

if (Deno.args[0] === "serve") serve();
else await measure();

/** `/rpc` speaks yamux: calls on streams that begin with a dRPC packet. `/sink` swallows yamux streams. `/echo` and `/swallow` are bare. */
function serve(): void {
  const router = new ServiceRouter();
  router.add(Agent, { updateStartup: ({ startup }) => startup ?? {} });
  const open: Readonly<Record<string, (socket: WebSocket) => void>> = {
    "/rpc": (socket) => void serveSession(new YamuxSession(webSocketStream(socket), { role: "server" }), router.handle),
    "/sink": async (socket) => {
      for await (const stream of new YamuxSession(webSocketStream(socket), { role: "server" })) {
        void (async () => {
          while (await stream.read() !== null);
          stream.close();
        })();
      }
    },
    "/echo": (socket) => {
      socket.onmessage = ({ data }) => socket.send(data);
    },
    "/swallow": (socket) => {
      let received = 0;
      socket.onmessage = ({ data }) => {
        received += data.byteLength;
        if (received >= STREAM_BYTES) socket.send("done");
      };
    },
  };
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`ws://127.0.0.1:${port}`),
  }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/memory") return new Response(String(Deno.memoryUsage().rss));
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.binaryType = "arraybuffer";
    socket.onopen = () => open[pathname]?.(socket);
    return response;
  });
}

async function measure(): Promise<void> {
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(import.meta.url).pathname, "serve"],
    stdout: "piped",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const url = (await lines.read()).value!.trim();
  try {
    // First: memory that other measurements have left free would hide what these need.
    await measureAgents(url);
    await measureCalls(url);
    await measureStreams(url);
  } finally {
    server.kill("SIGKILL");
    await server.status;
    await lines.cancel();
  }
}

async function measureCalls(url: string): Promise<void> {
  const session = new YamuxSession(await dial(`${url}/rpc`), { role: "client" });
  const channel = new MultiplexedChannel(session);
  const { updateStartup } = typedClient(Agent, () => channel);
  const call = () => updateStartup({ startup: { version: "v1" } });
  const echo = await bareEcho(`${url}/echo`);

  await inTurn(2_000, call);
  await inTurn(2_000, echo.call);
  const floor = rate(await inTurn(CALLS, echo.call));
  const calls = await inTurn(CALLS, call);
  report("rpc calls, one at a time", rate(calls), "calls/s", floor);
  report("rpc call, p50", percentile(calls.times, 0.5), "ms");
  report("rpc call, p99", percentile(calls.times, 0.99), "ms");
  const manyFloor = rate(await atOnce(CALLS, echo.call));
  report(`rpc calls, ${PARALLEL} at once`, rate(await atOnce(CALLS, call)), "calls/s", manyFloor);
  echo.close();
  session.close();
  await session.released;
}

async function measureStreams(url: string): Promise<void> {
  const floor = await bareStream(`${url}/swallow`);
  for (const count of [1, 64]) {
    const session = new YamuxSession(await dial(`${url}/sink`), { role: "client" });
    const chunk = new Uint8Array(CHUNK_BYTES);
    const began = performance.now();
    await Promise.all(Array.from({ length: count }, async () => {
      const stream = await session.open();
      for (let sent = 0; sent < STREAM_BYTES / count; sent += CHUNK_BYTES) await stream.write(chunk);
      await stream.closeWrite();
      while (await stream.read() !== null);
    }));
    const rate = STREAM_BYTES / MIB / ((performance.now() - began) / 1000);
    report(`yamux, ${count} ${count === 1 ? "stream" : "streams"}`, rate, "MiB/s", floor);
    session.close();
    await session.released;
  }
}

async function measureAgents(url: string): Promise<void> {
  const memoryOfServer = async () => Number(await (await fetch(`${url.replace("ws:", "http:")}/memory`)).text());
  const before = { here: Deno.memoryUsage().rss, there: await memoryOfServer() };
  const began = performance.now();
  const sessions = await Promise.all(Array.from({ length: AGENTS }, async () => {
    const session = new YamuxSession(await dial(`${url}/rpc`), { role: "client" });
    const client = new DrpcClient(await session.open());
    await typedClient(Agent, () => client).updateStartup({ startup: { version: "v1" } });
    client.close();
    return session;
  }));
  report(`${AGENTS} agents connected and answered`, performance.now() - began, "ms");
  report("memory per connection, agent's side", (Deno.memoryUsage().rss - before.here) / AGENTS / 1024, "KiB");
  report("memory per connection, control plane's side", (await memoryOfServer() - before.there) / AGENTS / 1024, "KiB");
  for (const session of sessions) session.close();
  await Promise.all(sessions.map((session) => session.released));
}

interface Timed {
  readonly seconds: number;
  readonly count: number;
  /** Milliseconds of each. */
  readonly times: number[];
}

async function inTurn(count: number, call: () => Promise<unknown>): Promise<Timed> {
  const times: number[] = [];
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const from = performance.now();
    await call();
    times.push(performance.now() - from);
  }
  return { seconds: (performance.now() - began) / 1000, count, times };
}

async function atOnce(count: number, call: () => Promise<unknown>): Promise<Timed> {
  const began = performance.now();
  let left = count;
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    while (left-- > 0) await call();
  }));
  return { seconds: (performance.now() - began) / 1000, count, times: [] };
}

async function bareEcho(url: string): Promise<{ call: () => Promise<void>; close: () => void }> {
  const socket = await connect(url);
  const waiting: (() => void)[] = [];
  const message = new Uint8Array(CALL_BYTES);
  socket.onmessage = () => waiting.shift()?.();
  return {
    call: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(message);
      }),
    close: () => socket.close(),
  };
}

async function bareStream(url: string): Promise<number> {
  const socket = await connect(url);
  const done = new Promise((resolve) => socket.onmessage = resolve);
  const chunk = new Uint8Array(CHUNK_BYTES);
  const began = performance.now();
  for (let sent = 0; sent < STREAM_BYTES; sent += CHUNK_BYTES) {
    socket.send(chunk);
    while (socket.bufferedAmount > MIB) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  const rate = STREAM_BYTES / MIB / ((performance.now() - began) / 1000);
  socket.close();
  return rate;
}

/** As the agent dials. */
function dial(url: string): Promise<ByteStream> {
  return dialWebSocket({ url: new URL(url.replace("ws:", "http:")), headers: {}, clock: systemClock });
}

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
  });
  return socket;
}

function rate({ count, seconds }: Timed): number {
  return count / seconds;
}

function percentile(times: number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)]!;
}

function report(name: string, value: number, unit: string, floor?: number): void {
  const round = (number: number) => Number(number.toPrecision(4));
  const against = floor === undefined ? {} : { floor: round(floor), ratio: round(value / floor) };
  console.log(JSON.stringify({ name, value: round(value), unit, ...against }));
}
