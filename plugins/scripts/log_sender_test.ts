import { assert, assertEquals, assertRejects } from "@std/assert";

import type { Logger } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { LogSender, type ScriptLog } from "./log_sender.ts";

interface Sent {
  readonly at: number;
  readonly source: string;
  readonly lines: readonly string[];
}

function setUp() {
  const clock = new VirtualClock(10_000);
  const dropped: string[] = [];
  const log: Logger = {
    debug() {},
    info() {},
    warn: (_message, fields) => void dropped.push(`${fields?.count ?? "all"}: ${fields?.reason}`),
    error() {},
  };
  const sender = new LogSender({ clock, log });
  const sent: Sent[] = [];
  const stop = new AbortController();
  function run(answer: (batch: Sent) => { limitExceeded: boolean } = () => ({ limitExceeded: false })): Promise<void> {
    return sender.run((source, logs) => {
      const batch = { at: clock.now() - 10_000, source, lines: logs.map(({ output }) => output) };
      sent.push(batch);
      return Promise.resolve(answer(batch));
    }, stop.signal);
  }
  return { clock, sender, sent, dropped, stop, run };
}

function lines(...outputs: string[]): ScriptLog[] {
  return outputs.map((output) => ({ atMs: 0, level: "info", output }));
}

async function ended(running: Promise<void>, stop: AbortController): Promise<void> {
  stop.abort();
  await running.catch(() => {}); // Whoever sleeps is woken with the reason.
}

Deno.test("LogSender sends all sources at once at first, then each after a second or when it is asked to", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  sender.enqueue("a", lines("a1", "a2"));
  sender.enqueue("b", lines("b1"));
  const running = run();
  await clock.advance(0);
  const first = sent.splice(0);

  sender.enqueue("a", lines("a3"));
  await clock.advance(250);
  const second = sent.splice(0);
  sender.enqueue("a", lines("a4"));
  sender.flush("a");
  await clock.advance(250);
  await ended(running, stop);

  assertEquals(first.map(({ source, lines }) => [source, ...lines]), [["a", "a1", "a2"], ["b", "b1"]]);
  assertEquals(second.map(({ lines }) => lines), [["a3"]]);
  assertEquals(sent.map(({ at, lines }) => [at, ...lines]), [[500, "a4"]]);
});

Deno.test("LogSender wakes for nothing while no line waits", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const running = run();
  await clock.advance(60_000);
  const sleeping = clock.sleeping;

  sender.enqueue("a", lines("a1"));
  await clock.advance(250);
  await clock.advance(60_000);

  assertEquals([sleeping, sent.length, clock.sleeping], [0, 1, 0]);
  await ended(running, stop);
});

Deno.test("LogSender lets lines of a source that was sent partly wait a second for company", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const half = "x".repeat(600 * 1024);
  sender.enqueue("a", lines(half, half));
  const running = run();

  await clock.advance(0);
  const first = sent.length;
  await clock.advance(1250);
  await ended(running, stop);

  assertEquals([first, sent.length], [1, 2]);
  assert(sent[1]!.at >= 1000);
});

Deno.test("LogSender sends no batch over 1 MiB, and keeps the order", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const outputs = Array.from({ length: 12 }, (_, index) => String(index).padEnd(100 * 1024, "."));
  sender.enqueue("a", lines(...outputs));
  const running = run();

  await clock.advance(10_000);
  await ended(running, stop);

  const bytes = sent.map(({ lines }) => lines.reduce((sum, line) => sum + line.length + 21, 0));
  assert(bytes.every((each) => each <= 1024 * 1024), bytes.join());
  assertEquals(sent.flatMap(({ lines }) => lines), outputs.slice(0, sent.flatMap(({ lines }) => lines).length));
  assertEquals(sent.length, 2);
});

Deno.test("LogSender drops a line over 1 MiB and what comes while too much waits, and says how many", async () => {
  const { clock, sender, sent, dropped, stop, run } = setUp();
  const outputs = Array.from({ length: 30 }, (_, index) => String(index).padEnd(100 * 1024, "."));

  sender.enqueue("huge", lines("x".repeat(1024 * 1024)));
  sender.enqueue("a", lines(...outputs));
  const running = run();
  await clock.advance(10_000);
  await ended(running, stop);

  // One more than fits is taken on purpose: the control plane then marks what is missing.
  assertEquals(sent.flatMap(({ lines }) => lines), outputs.slice(0, 11));
  assertEquals(dropped, ["1: the line is too long", "19: too much is waiting"]);
});

Deno.test("LogSender replaces what cannot be stored", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  sender.enqueue("a", lines("a\0b\uFFFDc"));
  const running = run();

  await clock.advance(0);
  await ended(running, stop);

  assertEquals(sent[0]?.lines, ["a\u274Cb\u274Cc"]);
});

Deno.test("LogSender keeps lines whose batch failed, in order, for the next run", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  sender.enqueue("a", lines("a1"));
  await assertRejects(
    () =>
      run(() => {
        throw new Error("away");
      }),
    Error,
    "away",
  );

  sender.enqueue("a", lines("a2"));
  const again = run();
  await clock.advance(0);
  await ended(again, stop);

  assertEquals(sent.map(({ lines }) => lines), [["a1"], ["a1", "a2"]]);
});

Deno.test("LogSender ends for good when the control plane takes no more", async () => {
  const { clock, sender, sent, dropped, run } = setUp();
  sender.enqueue("a", lines("a1"));
  sender.enqueue("b", lines("b1"));
  await run(() => ({ limitExceeded: true }));

  sender.enqueue("a", lines("a2"));
  await run();
  await sender.untilEmpty(new AbortController().signal);
  await clock.advance(5000);

  assertEquals(sent.map(({ lines }) => lines), [["a1"]]);
  assertEquals(dropped, ["all: the control plane takes no more for this agent", "1: the control plane takes no more"]);
});

Deno.test("LogSender.untilEmpty() waits for the last line, and not longer than its signal", async () => {
  const { clock, sender, stop, run } = setUp();
  sender.enqueue("a", lines("a1"));
  const impatient = new AbortController();
  const given = sender.untilEmpty(impatient.signal);
  impatient.abort();
  await given;

  let isEmpty = false;
  const empty = sender.untilEmpty(stop.signal).then(() => isEmpty = true);
  await clock.advance(0);
  const before = isEmpty;
  const running = run();
  await clock.advance(0);
  await empty;
  await ended(running, stop);

  assertEquals([before, isEmpty], [false, true]);
});

Deno.test("LogSender.untilEmpty() sends the last lines at once, also those that come after it was asked, while time stands still", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const running = run();
  sender.enqueue("a", lines("a1"));
  await clock.advance(250);
  sender.enqueue("a", lines("waits for company"));
  await clock.advance(0);
  const before = sent.splice(0);

  const empty = sender.untilEmpty(stop.signal);
  await clock.advance(0);
  const asked = sent.splice(0);
  sender.enqueue("b", lines("late"));
  await clock.advance(0);
  const late = sent.splice(0);
  await ended(running, stop);
  await empty;

  assertEquals([before, asked, late].map((batches) => batches.flatMap((batch) => batch.lines)), [
    ["a1"],
    ["waits for company"],
    ["late"],
  ]);
});

Deno.test("LogSender takes lines after a run has ended", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const running = run();
  await clock.advance(0);
  await ended(running, stop);

  sender.enqueue("a", lines("late"));

  assertEquals(sent, []);
});

Deno.test("LogSender sends in time when the machine's clock was set back", async () => {
  const { clock, sender, sent, stop, run } = setUp();
  const running = run(() => {
    // While it is on its way: the source keeps its place and its last time.
    if (sent.length === 1) sender.enqueue("a", lines("two"));
    return { limitExceeded: false };
  });
  sender.enqueue("a", lines("one"));
  await clock.advance(250);

  clock.jump(-3_600_000);
  await clock.advance(1250);

  assertEquals(sent.map((batch) => batch.lines), [["one"], ["two"]]);
  await ended(running, stop);
});
