import { assertEquals, assertRejects } from "@std/assert";

import { Deadline } from "./deadline.ts";
import { DeadlineError } from "./errors.ts";
import { VirtualClock } from "./testing/virtual_clock.ts";

Deno.test("Deadline.run() returns what work returns, and leaves no timer", async () => {
  const clock = new VirtualClock();

  assertEquals(await new Deadline(clock, 100).run("work", () => "done"), "done");

  assertEquals(clock.sleeping, 0);
});

Deno.test("Deadline.run() gives up at the deadline, aborts the signal and names the work", async () => {
  const clock = new VirtualClock();
  let signal: AbortSignal | undefined;
  const run = new Deadline(clock, 100).run('setup of plugin "pp"', (given) => {
    signal = given;
    return new Promise(() => {});
  });
  const refused = assertRejects(() => run, DeadlineError, 'Cannot finish setup of plugin "pp": deadline is 100 ms');

  await clock.advance(100);

  await refused;
  assertEquals(signal?.aborted, true);
});

Deno.test("Deadline.nested() takes the smaller of its own time and what is left, less a margin", async () => {
  const clock = new VirtualClock();
  const parent = new Deadline(clock, 1000);
  assertEquals(parent.nested(100).ms, 100);

  await clock.advance(900);

  assertEquals(parent.nested(100).ms, 50);
  await clock.advance(200);
  assertEquals(parent.nested(100).ms, 0);
});

Deno.test("Deadline.run() drops the late error of abandoned work", async () => {
  const clock = new VirtualClock();
  const late = Promise.withResolvers<void>();
  const refused = assertRejects(() => new Deadline(clock, 10).run("work", () => late.promise), DeadlineError);
  await clock.advance(10);
  await refused;

  late.reject(new Error("too late to matter"));

  await clock.advance(1);
});

Deno.test("Deadline.run() lets cancelled work end in its own way", async () => {
  const clock = new VirtualClock();
  const cancel = new AbortController();
  const run = new Deadline(clock, 1000).run(
    "work",
    (signal) => new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("tidied up"))),
    { signal: cancel.signal, graceMs: 100 },
  );

  cancel.abort(new Error("stopping"));

  assertEquals(await run, "tidied up");
  assertEquals(clock.sleeping, 0);
});

Deno.test("Deadline.run() gives cancelled work up after its grace time, with the reason", async () => {
  const clock = new VirtualClock();
  const cancel = new AbortController();
  const run = new Deadline(clock, 1000).run("work", () => new Promise(() => {}), {
    signal: cancel.signal,
    graceMs: 100,
  });
  const refused = assertRejects(() => run, Error, "stopping");

  cancel.abort(new Error("stopping"));
  await clock.advance(100);

  await refused;
  assertEquals(clock.sleeping, 0);
});
