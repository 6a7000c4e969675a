/**
 * What the front costs: requests per second through it, against a bare Hono app in the same run.
 *
 * Each server runs in a process of its own, and is asked over keep-alive connections by a client that does as little as
 * possible. Prints one JSON line per figure: `{"name", "value", "unit", "floor", "ratio"}`.
 *
 * @module
 */
import { Hono } from "hono";

import { systemClock } from "../../core/clock.ts";
import { Front } from "../../core/http/front.ts";
import { listenTcp } from "../../core/http/listeners.ts";
import { createLogger } from "../../core/log.ts";
import { RecentLog } from "../../core/recent_log.ts";

const TOKEN = "bench-token";
const CONNECTIONS = 8;
/**
 * Requests sent at once on each connection. One is what clients do, and includes the kernel's part of every request; many
 * leave little but the server's own JavaScript.
 */
const PIPELINES: Readonly<Record<string, number>> = { "http front": 1, "http front, 16 pipelined": 16 };
const WARM_UP_MS = 500;
const MEASURE_MS = 1_500;
const ROUNDS = 3;

/** The same trivial route, bare and behind the front. */
const SERVERS: Readonly<Record<string, () => number>> = {
  bare() {
    const app = new Hono();
    app.get("/api/v0/bench/hello", (c) => c.text("hello"));
    return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch).addr.port;
  },
  front() {
    const front = new Front({
      clock: systemClock,
      log: createLogger({ category: ["bench"], clock: systemClock, sink: () => {} }),
      logsRequests: false,
      token: TOKEN,
      core: {
        greeting: () => "",
        plugins: () => [],
        health: () => ({}),
        readiness: () => ({ ready: true, body: {} }),
        metrics: () => ({ contentType: "text/plain", text: "" }),
        info: () => ({}),
        status: () => ({}),
        recentLog: new RecentLog(),
        document: () => ({}),
        reload: () => Promise.resolve({ plugins: [], agent: [] }),
      },
      observe: () => {},
    });
    const routes = front.createRoutes("bench", "bench", { enter: (_phase, fn) => fn(), failed: () => {} });
    routes.app.get("/hello", (c) => c.text("hello"));
    routes.seal();
    front.mount("bench", "bench").answer = { kind: "serving", routes };
    return Number(new URL(listenTcp(front, { port: 0 }).address).port);
  },
};

if (import.meta.main) {
  const [role] = Deno.args;
  if (role) console.log(SERVERS[role]!());
  else await compare();
}

async function compare(): Promise<void> {
  for (const [name, pipeline] of Object.entries(PIPELINES)) {
    const rates: Record<string, number[]> = { bare: [], front: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const role of Object.keys(SERVERS)) rates[role]!.push(await measure(role, pipeline));
    }
    const [floor, value] = [median(rates.bare!), median(rates.front!)];
    const note = pipeline === 1
      ? "8 connections, one request at a time; the floor is a bare Hono app with the same route"
      : "what the front's own checks cost when the kernel's part is shared by 16 requests";
    console.log(JSON.stringify({ name, value, unit: "requests/s", floor, ratio: value / floor, note }));
  }
}

async function measure(role: string, pipeline: number): Promise<number> {
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, role],
    stdout: "piped",
  }).spawn();
  const reader = server.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  try {
    await load(port, pipeline, WARM_UP_MS);
    return Math.round(await load(port, pipeline, MEASURE_MS) / MEASURE_MS * 1000);
  } finally {
    reader.releaseLock();
    await server.stdout.cancel();
    server.kill("SIGKILL");
    await server.status;
  }
}

/** Asks for `ms` milliseconds; returns how many answers came. */
async function load(port: number, pipeline: number, ms: number): Promise<number> {
  const one = `GET /api/v0/bench/hello HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  const many = new TextEncoder().encode(one.repeat(pipeline));
  const buffer = new Uint8Array(64 * 1024);
  const end = performance.now() + ms;
  let answers = 0;
  await Promise.all([...Array(CONNECTIONS)].map(async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    // All answers are of one length: the first, read whole, tells it.
    await write(connection, new TextEncoder().encode(one));
    const answerBytes = await connection.read(buffer);
    if (!answerBytes || !new TextDecoder().decode(buffer.subarray(0, answerBytes)).endsWith("hello")) {
      throw new Error("The server did not answer in one piece");
    }
    while (performance.now() < end) {
      await write(connection, many);
      for (let left = pipeline * answerBytes; left > 0;) {
        const count = await connection.read(buffer);
        if (count === null) throw new Error("The server closed a connection under load");
        left -= count;
      }
      answers += pipeline;
    }
  }));
  return answers;
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
