import { assert, assertEquals } from "@std/assert";

import { createLogger, LogBuffer } from "../log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { LineGate, logOutput } from "./program_output.ts";

function recorded() {
  const clock = new VirtualClock();
  const buffer = new LogBuffer();
  const log = createLogger({ category: ["pp"], sink: buffer.sink, clock, level: "debug" });
  const lines = () => buffer.records.map(({ rawMessage, properties }) => properties.line ?? rawMessage);
  return { clock, gate: new LineGate(clock, log), lines, records: buffer.records };
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("logOutput() makes a line of the log of each line, also of the last one without an end", async () => {
  const { clock, gate, lines } = recorded();
  const output = ReadableStream.from([bytes("one\ntw"), bytes("o\r\n\nthree")]);

  await logOutput(output, gate, { clock, signal: new AbortController().signal });

  assertEquals(lines(), ["one", "two", "three"]);
});

Deno.test("logOutput() bounds a line that never ends", async () => {
  const { clock, gate, lines } = recorded();
  const output = ReadableStream.from(Array.from({ length: 100 }, () => bytes("x".repeat(1000))));

  await logOutput(output, gate, { clock, signal: new AbortController().signal });

  assertEquals(lines().map((line) => String(line).length), [8192]);
});

Deno.test("logOutput() reads a flood at a bearable pace, and without one once the program is being ended", async () => {
  const { clock, gate } = recorded();
  const end = new AbortController();
  let pulled = 0;
  const flood = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++pulled > 64) return controller.close();
      controller.enqueue(bytes("x".repeat(64 * 1024)));
    },
  }, { highWaterMark: 0 });

  const reading = logOutput(flood, gate, { clock, signal: end.signal });
  await clock.untilSleeping();

  assert(pulled <= 17, `${pulled} pieces of 64 KiB in one second`);
  end.abort();
  await reading;
  assertEquals(pulled, 65);
});

Deno.test("logOutput() waits a second at most, also when somebody sets the clock back meanwhile", async () => {
  const { clock, gate, lines } = recorded();
  let pulled = 0;
  const flood = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++pulled > 17) return controller.close();
      if (pulled === 16) clock.jump(-3_600_000);
      controller.enqueue(bytes(`${"x".repeat(64 * 1024 - 1)}\n`));
    },
  }, { highWaterMark: 0 });

  const reading = logOutput(flood, gate, { clock, signal: new AbortController().signal });
  await clock.untilSleeping();
  await clock.advance(1000);

  assertEquals([clock.sleeping, lines().length], [0, 17]);
  await reading;
});

Deno.test("LineGate lets a hundred lines a second through and says how many it did not", async () => {
  const { clock, gate, lines, records } = recorded();
  for (let i = 0; i < 250; i++) gate.write("info", `line ${i}`);

  await clock.advance(1000);
  gate.write("info", "later");

  assertEquals(lines().length, 102);
  assertEquals(records.at(-2)?.properties, { dropped: 150, lines_per_second: 100 });
  assertEquals(lines().at(-1), "later");
});
