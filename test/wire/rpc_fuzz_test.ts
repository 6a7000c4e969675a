/** What the RPC layers do with anything a peer may send: they take it or end the connection, within their bounds. */
import { assert, assertEquals } from "@std/assert";

import fc from "fast-check";

import { Agent } from "../../core/proto/gen/agent_pb.ts";
import { Tailnet } from "../../core/proto/gen/tailnet_pb.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { DrpcProtocolError } from "../../core/rpc/drpc/error.ts";
import { encodeFrame } from "../../core/rpc/drpc/packet.ts";
import { serveDrpc } from "../../core/rpc/drpc/server.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { YamuxError } from "../../core/rpc/yamux/error.ts";
import { encodeHeader } from "../../core/rpc/yamux/frame.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import type { YamuxStream } from "../../core/rpc/yamux/stream.ts";

const RUNS = 1000 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
/** Bound of one run, so that a hang shows which input it was. Generous: the machine may be busy. */
const HANG_MS = 60_000;

const anyYamuxFrame = fc.record({
  type: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 })),
  flags: fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 0xffff })),
  streamId: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  length: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  body: fc.uint8Array({ maxLength: 600 }),
});

Deno.test("a yamux session takes arbitrary frames or ends with an error of its own, and keeps its bounds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyYamuxFrame, { maxLength: 40 }), fc.boolean(), async (frames, isServer) => {
      const [ours, theirs] = bytePipe();
      const role = isServer ? "server" : "client";
      const session = new YamuxSession(ours, { role, acceptBacklog: 4, maxInboundStreams: 6, keepAliveMs: 0 });
      const reading = readAll(theirs);

      for (const { type, flags, streamId, length, body } of frames) {
        await theirs.write(encodeHeader(type, flags, streamId, length)).catch(() => {});
        if (type === 0) await theirs.write(body).catch(() => {});
        assert(session.streamCount <= 6);
      }
      theirs.close();

      assert(await session.closed instanceof YamuxError);
      await Promise.all([session.released, reading]);
    }),
    { numRuns: RUNS, timeout: HANG_MS },
  );
});

Deno.test("a yamux session takes arbitrary bytes or ends with an error of its own", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), async (chunks) => {
      const [ours, theirs] = bytePipe();
      const session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
      const reading = readAll(theirs);

      for (const chunk of chunks) await theirs.write(chunk).catch(() => {});
      theirs.close();

      assert(await session.closed instanceof YamuxError);
      await Promise.all([session.released, reading]);
    }),
    { numRuns: RUNS, timeout: HANG_MS },
  );
});

const anyPacket = fc.record({
  kind: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 63 })),
  control: fc.boolean(),
  done: fc.boolean(),
  stream: fc.bigInt({ min: 0n, max: 5n }),
  message: fc.bigInt({ min: 0n, max: 9n }),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.constantFrom("/coder.agent.v2.Agent/UpdateStats", "/coder.tailnet.v2.Tailnet/Coordinate", "/x").map((path) =>
      new TextEncoder().encode(path)
    ),
  ),
});

Deno.test("a dRPC server takes arbitrary packets or ends the connection for a broken protocol", async () => {
  const router = new ServiceRouter();
  router.add(Agent, { updateStats: () => ({}) });
  router.add(Tailnet, {
    async *coordinate(requests) {
      for await (const _request of requests) yield {};
    },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anyPacket, { maxLength: 25 }), async (packets) => {
      const [ours, theirs] = bytePipe();
      const served = serveDrpc(ours, router.handle).then(() => undefined, (error) => error);
      const reading = readAll(theirs);

      for (const packet of packets) await theirs.write(encodeFrame(packet)).catch(() => {});
      theirs.close();

      const error = await served;
      assert(error === undefined || error instanceof DrpcProtocolError, Deno.inspect(error));
      await reading;
    }),
    { numRuns: RUNS, timeout: HANG_MS },
  );
});

/** One step of one stream's life. */
const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("write" as const), bytes: fc.integer({ min: 1, max: 400_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("yield" as const), turns: fc.integer({ min: 1, max: 3 }) }) },
);
const anyStreamLife = fc.record({
  steps: fc.array(anyStep, { maxLength: 6 }),
  end: fc.constantFrom("close", "half", "reset"),
  /** Turns of the event loop the reader rests between reads. */
  rest: fc.integer({ min: 0, max: 3 }),
  fromServer: fc.boolean(),
});

Deno.test("random yamux sessions lose, change and reorder nothing, with slow readers and bytes cut anywhere", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStreamLife, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 30_000 }),
      async (lives, chunkBytes) => {
        const [left, right] = bytePipe({ highWaterBytes: 20_000 });
        const client = new YamuxSession(cut(left, chunkBytes), { role: "client", keepAliveMs: 0 });
        const server = new YamuxSession(cut(right, chunkBytes + 7), { role: "server", keepAliveMs: 0 });
        const received = new Map<string, Promise<Received>>();
        const restOf = (name: string) => lives[Number(name)]!.rest;
        const accepting = [client, server].map(async (session) => {
          for await (const stream of session) {
            // A stream that was reset may have lost its first byte, which is its name.
            const first = await stream.read().catch(() => null);
            if (first === null) continue;
            const name = String(first[0]);
            received.set(name, readPattern(stream, restOf(name), first.subarray(1)));
          }
        });

        await Promise.all(lives.map((life, index) => live(life.fromServer ? server : client, life, index)));
        await Promise.all([client.ping(), server.ping()]);

        for (const [index, life] of lives.entries()) {
          if (life.end === "reset" && !received.has(String(index))) continue;
          const { bytes, isWhole, ended } = await received.get(String(index))!;
          const written = life.steps.reduce((sum, step) => sum + (step.do === "write" ? step.bytes : 0), 0);
          assert(isWhole, `stream ${index} was changed on its way`);
          if (life.end !== "reset") assertEquals([bytes, ended], [written, true]);
        }
        client.close();
        server.close();
        await Promise.all([...accepting, client.released, server.released]);
      },
    ),
    { numRuns: Math.ceil(RUNS / 30), timeout: HANG_MS },
  );
});

interface Received {
  readonly bytes: number;
  readonly isWhole: boolean;
  /** Whether the peer ended in order. */
  readonly ended: boolean;
}

async function live(
  session: YamuxSession,
  { steps, end }: { steps: readonly ({ do: "write"; bytes: number } | { do: "yield"; turns: number })[]; end: string },
  name: number,
): Promise<void> {
  const stream = await session.open();
  await stream.write(Uint8Array.of(name));
  let written = 0;
  for (const step of steps) {
    if (step.do === "yield") await turns(step.turns);
    else {
      await stream.write(pattern(written, step.bytes));
      written += step.bytes;
    }
  }
  if (end === "reset") return stream.reset();
  if (end === "close") return stream.close();
  await stream.closeWrite();
  while (await stream.read() !== null);
}

async function readPattern(stream: YamuxStream, rest: number, first: Uint8Array): Promise<Received> {
  let bytes = 0;
  let isWhole = true;
  try {
    for (let part: Uint8Array | null = first; part !== null; part = await stream.read()) {
      const from = bytes;
      isWhole &&= part.every((byte, index) => byte === (from + index) % 251);
      bytes += part.length;
      await turns(rest);
    }
    return { bytes, isWhole, ended: true };
  } catch {
    return { bytes, isWhole, ended: false }; // Reset: what came until then was right.
  } finally {
    stream.close();
  }
}

function pattern(from: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (from + index) % 251);
}

/** A transport that hands out its bytes in pieces of at most `chunkBytes`. */
function cut(inner: ByteStream, chunkBytes: number): ByteStream {
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read() {
      if (rest.length === 0) {
        const chunk = await inner.read();
        if (chunk === null) return null;
        rest = chunk;
      }
      const piece = rest.subarray(0, chunkBytes);
      rest = rest.subarray(chunkBytes);
      return piece;
    },
    write: (bytes) => inner.write(bytes),
    closeWrite: () => inner.closeWrite(),
    close: (reason) => inner.close(reason),
  };
}

async function readAll(stream: ByteStream): Promise<void> {
  try {
    while (await stream.read() !== null);
  } catch {
    // Closed on this side: nobody is interested in the rest.
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
