import { assertEquals } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { OutputHold } from "./output_hold.ts";
import { OutputLog } from "./output_log.ts";

/** A log of 100 bytes, of which 50 may be ahead of the readers, and a write of 120 bytes that is under way. */
class HeldWrite {
  readonly clock = new VirtualClock();
  readonly log = new OutputLog(100);
  readonly hold = new OutputHold({ clock: this.clock, graceMs: 1000 });
  done = false;

  begin(): Promise<void> {
    return this.hold.write(this.log, new Uint8Array(120), (part) => this.log.write(part)).then(() =>
      void (this.done = true)
    );
  }
}

/** Lets everything happen that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("write() takes as much as the slowest reader leaves room for", async () => {
  const held = new HeldWrite();
  using fast = held.hold.attach(new Map([[held.log, 0]]));
  const slow = held.hold.attach(new Map([[held.log, 0]]));
  const written = held.begin();
  await settle();
  assertEquals([held.log.end, held.done], [50, false]);

  fast.moved(held.log, 50);
  await settle();
  assertEquals(held.log.end, 50);
  slow.moved(held.log, 20);
  await settle();
  assertEquals(held.log.end, 70);

  slow[Symbol.dispose]();
  await settle();
  assertEquals(held.log.end, 100);
  fast.moved(held.log, 100);
  await written;
  assertEquals(held.log.end, 120);
});

Deno.test("write() waits without a reader for the grace time, and then no more until the next one", async () => {
  const held = new HeldWrite();
  const written = held.begin();
  await held.clock.advance(999);
  await settle();
  assertEquals([held.log.end, held.done], [50, false]);

  await held.clock.advance(1);
  await written;
  assertEquals(held.log.end, 120);

  using _ = held.hold.attach(new Map([[held.log, 120]]));
  held.begin();
  await settle();
  assertEquals(held.log.end, 170);
  held.hold.release();
});

Deno.test("write() gives a reader that left the grace time to come back", async () => {
  const held = new HeldWrite();
  const first = held.hold.attach(new Map([[held.log, 0]]));
  const written = held.begin();
  await held.clock.advance(60_000);
  first.moved(held.log, 10);
  first[Symbol.dispose]();
  await held.clock.advance(999);
  await settle();
  assertEquals(held.log.end, 60);

  const second = held.hold.attach(new Map([[held.log, 10]]));
  await held.clock.advance(60_000);
  await settle();
  assertEquals([held.log.end, held.log.start], [60, 0]);
  second.moved(held.log, 120);

  await written;
  second[Symbol.dispose]();
});

Deno.test("release() ends every wait", async () => {
  const held = new HeldWrite();
  using _ = held.hold.attach(new Map([[held.log, 0]]));
  const written = held.begin();

  held.hold.release();

  await written;
  assertEquals(held.log.end, 120);
});
