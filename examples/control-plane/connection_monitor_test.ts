import { assertEquals, assertRejects } from "@std/assert";

import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { Changes } from "./changes.ts";
import { ConnectionMonitor } from "./connection_monitor.ts";
import { openSqliteStore } from "./sqlite_store.ts";

const AGENT = "agent";

function setUp() {
  const clock = new VirtualClock();
  const store = openSqliteStore(":memory:");
  const changes = new Changes();
  const monitor = new ConnectionMonitor({ store, changes, clock });
  let updates = 0;
  const listening = changes.listen(() => updates++);
  const open: YamuxSession[] = [];
  return {
    clock,
    store,
    monitor,
    get updates() {
      return updates;
    },
    get times() {
      return store.latest(AGENT, "times");
    },
    /** A connection whose agent answers pings. */
    connect() {
      const [ours, theirs] = bytePipe();
      const session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
      const agent = new YamuxSession(theirs, { role: "client", keepAliveMs: 0 });
      open.push(session, agent);
      return { session, agent, end: monitor.watch(AGENT, session) };
    },
    /** A connection whose other end is silent. */
    connectDead(): { readonly session: YamuxSession; readonly end: Promise<string> } {
      const [ours] = bytePipe() as [ByteStream, ByteStream];
      const session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
      open.push(session);
      return { session, end: monitor.watch(AGENT, session) };
    },
    [Symbol.dispose]() {
      for (const session of open) session.close();
      listening[Symbol.dispose]();
      store[Symbol.dispose]();
    },
  };
}

const at = (seconds: number) =>
  `2026-01-01T00:0${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}.000000000Z`;

Deno.test("watch() notes the first, the latest and the end of a connection, with one update at each end", async () => {
  using plane = setUp();

  const { agent, end } = plane.connect();
  assertEquals([plane.updates, plane.monitor.isConnected(AGENT)], [1, true]);
  assertEquals(plane.times, { firstConnectedAt: at(0), lastConnectedAt: at(0) });

  await plane.clock.advance(30_000);
  assertEquals([plane.updates, plane.times?.lastConnectedAt], [1, at(30)]);

  await plane.clock.advance(5_000);
  agent.close();
  assertEquals(await end, "closed");
  assertEquals([plane.updates, plane.monitor.isConnected(AGENT)], [2, false]);
  assertEquals(plane.times, { firstConnectedAt: at(0), lastConnectedAt: at(30), disconnectedAt: at(35) });
});

Deno.test("watch() keeps the first time and the last end when an agent connects again", async () => {
  using plane = setUp();
  const first = plane.connect();
  await plane.clock.advance(10_000);
  first.agent.close();
  await first.end;

  await plane.clock.advance(10_000);
  const second = plane.connect();

  assertEquals(plane.times, { firstConnectedAt: at(0), lastConnectedAt: at(20), disconnectedAt: at(10) });
  second.agent.close();
  await second.end;
  assertEquals([plane.updates, plane.times?.disconnectedAt], [4, at(20)]);
});

Deno.test("watch() does not take the end of an old connection for a disconnection when the agent is back already", async () => {
  using plane = setUp();
  const old = plane.connectDead();
  await plane.clock.advance(10_000);
  const fresh = plane.connect();

  old.session.close();
  await old.end;

  assertEquals([plane.monitor.isConnected(AGENT), plane.times?.disconnectedAt], [true, undefined]);
  fresh.agent.close();
  await fresh.end;
  assertEquals([plane.monitor.isConnected(AGENT), plane.times?.disconnectedAt], [false, at(10)]);
});

Deno.test("watch() gives a connection up whose pings stay unanswered", async () => {
  using plane = setUp();
  const { session, end } = plane.connectDead();

  await plane.clock.advance(29_999);
  assertEquals(session.isOpen, true);
  await plane.clock.advance(1);

  assertEquals(await end, "ping timeout");
  assertEquals([session.isOpen, plane.times?.disconnectedAt, plane.updates], [false, at(30), 2]);
});

Deno.test("watch() ends at once with a connection that was closed before it began", async () => {
  using plane = setUp();
  const [ours] = bytePipe();
  const session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
  session.close();

  assertEquals(await plane.monitor.watch(AGENT, session), "closed");

  assertEquals([plane.updates, plane.times?.disconnectedAt, plane.clock.sleeping], [2, at(0), 0]);
});

Deno.test("settle() ends connections that an earlier run did not see the end of", () => {
  using plane = setUp();
  plane.store.put(AGENT, "times", "", { firstConnectedAt: at(1), lastConnectedAt: at(9), disconnectedAt: at(3) });
  plane.store.put("ended", "times", "", { firstConnectedAt: at(1), lastConnectedAt: at(9), disconnectedAt: at(10) });

  plane.monitor.settle([AGENT, "ended", "never connected"]);

  assertEquals(plane.times?.disconnectedAt, at(9));
  assertEquals(plane.store.latest("ended", "times")?.disconnectedAt, at(10));
  assertEquals(plane.store.latest("never connected", "times"), undefined);
});

Deno.test("watch() gives no agent up because the machine's clock was set forward", async () => {
  using plane = setUp();
  const { session, end } = plane.connect();

  plane.clock.jump(3_600_000);
  await plane.clock.advance(15_000);

  assertEquals(plane.monitor.isConnected(AGENT), true);
  session.close();
  assertEquals(await end, "closed");
});

Deno.test("watch() closes the connection when its times cannot be written, and knows the agent as gone", async () => {
  using plane = setUp();
  const full = () => {
    throw new Error("database or disk is full");
  };

  const put = plane.store.put;
  plane.store.put = full;
  const first = plane.connect();
  await assertRejects(() => first.end, Error, "full");
  const isConnectedAtFirst = plane.monitor.isConnected(AGENT);
  plane.store.put = put;
  const second = plane.connect();
  plane.store.put = full;
  await Promise.all([assertRejects(() => second.end, Error, "full"), plane.clock.advance(15_000)]);

  assertEquals([isConnectedAtFirst, plane.monitor.isConnected(AGENT)], [false, false]);
  await Promise.all([first.session.closed, second.session.closed]);
});
