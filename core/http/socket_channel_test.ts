import { assertEquals, assertRejects, assertThrows } from "@std/assert";

import { VirtualClock } from "../testing/virtual_clock.ts";
import { QueueBudget } from "./queue_budget.ts";
import { Channel, SocketClosedError } from "./socket_channel.ts";
import type { SocketTransport } from "./socket_transport.ts";

/** A server whose peer takes bytes only when the test says so. */
class FakeTransport implements SocketTransport {
  bufferedBytes = 0;
  readonly sent: (string | Uint8Array)[] = [];
  readonly closes: [number, string][] = [];
  #waiting: (() => void)[] = [];

  send(message: string | Uint8Array): void {
    this.sent.push(message);
    this.bufferedBytes += message.length;
  }
  async drained(bytes: number): Promise<void> {
    while (this.bufferedBytes >= bytes && this.closes.length === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
  take(bytes: number): void {
    this.bufferedBytes -= bytes;
    for (const wake of this.#waiting.splice(0)) wake();
  }
  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
    this.take(0);
  }
}

const BIG = new Uint8Array(300 * 1024);

function openChannel(budget?: QueueBudget) {
  const clock = new VirtualClock();
  const transport = new FakeTransport();
  const channel = new Channel({
    clock,
    maxMessageBytes: 1024 * 1024,
    maxQueuedBytes: 1024 * 1024,
    budget,
    stallMs: 30_000,
    opened: () => {},
  });
  channel.opened(transport);
  return { clock, transport, channel };
}

Deno.test("Channel closes with 1001 when the peer takes nothing for too long, and waits while it takes a little", async () => {
  const { clock, transport, channel } = openChannel();
  const sending = assertRejects(() => channel.send(BIG), SocketClosedError);

  await clock.advance(20_000);
  transport.take(10);
  await clock.advance(20_000);
  assertEquals(channel.signal.aborted, false);
  await clock.advance(30_000);

  assertEquals(await channel.closed, { code: 1001, reason: "Ping failed" });
  await sending;
  assertEquals(transport.closes, [[1001, "Ping failed"]]);
});

Deno.test("Channels that together hold too much lose the one that holds most, also while it sends", async () => {
  const budget = new QueueBudget(1024 * 1024);
  const [most, reader, other] = [openChannel(budget), openChannel(budget), openChannel(budget)];
  const lost = assertRejects(() =>
    Promise.all([most.channel.send(BIG), most.channel.send(BIG), most.channel.send(BIG)])
  );
  const read = Promise.all([reader.channel.send(BIG), reader.channel.send("read")]);
  reader.transport.take(BIG.length);
  await read;
  const kept = Promise.all([other.channel.send(BIG), other.channel.send(BIG)]);
  assertEquals(budgeted(most, reader, other), [[true, 600], [true, 0], [true, 300]]);

  const tooMuch = other.channel.send(BIG);
  assertEquals(await most.channel.closed, { code: 1009, reason: "Send queues are full" });
  await lost;
  assertEquals(budgeted(most, reader, other), [[false, 0], [true, 0], [true, 600]]);

  for (let i = 0; i < 3; i++) {
    other.transport.take(BIG.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all([kept, tooMuch]);
  assertEquals(budgeted(other), [[true, 0]]);
});

Deno.test("Channel.send() is refused when its own message is what all together cannot hold", async () => {
  const { channel, transport } = openChannel(new QueueBudget(512 * 1024));
  const sends = [channel.send(BIG), channel.send(BIG), channel.send(BIG)];

  for (const sent of sends) await assertRejects(() => sent, SocketClosedError, "closed with 1009");

  assertEquals([channel.queuedBytes, transport.closes], [0, [[1009, "Send queues are full"]]]);
});

/** Whether each is open, and how many KiB wait for its client. */
function budgeted(...channels: readonly ReturnType<typeof openChannel>[]): readonly unknown[] {
  return channels.map(({ channel }) => [!channel.signal.aborted, Math.round(channel.queuedBytes / 1024)]);
}

Deno.test("Channel.close() lets what is queued go first, for a while", async () => {
  const patient = openChannel();
  const sends = [patient.channel.send(BIG), patient.channel.send("bye")];
  patient.channel.close(1000, "done");
  assertEquals(patient.transport.closes, []);
  patient.transport.take(BIG.length);
  await Promise.all(sends);
  assertEquals(await patient.channel.closed, { code: 1000, reason: "done" });
  assertEquals([patient.transport.sent.at(-1), patient.transport.closes], ["bye", [[1000, "done"]]]);

  const stalled = openChannel();
  const lost = assertRejects(() => stalled.channel.send(BIG), SocketClosedError);
  stalled.channel.close(1000, "done");
  await stalled.clock.advance(5_000);
  await lost;
  assertEquals(stalled.transport.closes, [[1000, "done"]]);
});

Deno.test("Channel.close() refuses codes that may not be sent and cuts a reason to what a close frame holds", () => {
  const { channel, transport } = openChannel();

  for (const code of [0, 999, 1005, 1006, 1015, 2000, 5000, 1000.5]) {
    assertThrows(() => channel.close(code), RangeError);
  }
  channel.close(4000, "ü".repeat(100));
  channel.close(1000, "again");

  assertEquals(transport.closes, [[4000, "ü".repeat(61)]]);
});

Deno.test("Channel hands out what came before the peer left, and nothing after this side closed", async () => {
  const left = openChannel().channel;
  left.received("last words");
  left.ended(1000, "bye");
  left.ended(1006, "");
  assertEquals((await Array.fromAsync(left))[0], "last words");
  assertEquals(await left.closed, { code: 1000, reason: "bye" });

  const closed = openChannel().channel;
  closed.received("unread");
  closed.close();
  closed.received("late");
  assertEquals(await Array.fromAsync(closed), []);
});
