import { assert, assertEquals } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";

import fc from "fast-check";

import type { Child, ExitStatus } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { outputEvents, type OutputEventsOptions, parsePosition, streamOutput } from "./output_stream.ts";
import { TrackedProcess } from "./tracked_process.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const GRACE_MS = 5000;

/** A process that writes and ends when the test says so. */
class FakeProcess {
  readonly #pipes: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>[] = [];
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly clock = new VirtualClock();
  readonly tracked: TrackedProcess;

  constructor(options: { readonly streamBytes?: number; readonly separate?: boolean; readonly hold?: boolean } = {}) {
    const child: Child = {
      // Above the largest process id of Linux: no group has this number.
      pid: 2 ** 30,
      stdin: null,
      output: this.#pipe(),
      errors: options.separate ? this.#pipe() : null,
      exited: this.#exit.promise,
      kill: () => false,
      killTree: () => Promise.resolve({ found: false, ended: [], survivors: [] }),
    };
    const { streamBytes = 1000, hold: holdOutput = false } = options;
    const limits = { headBytes: 100, tailBytes: 100, maxLineBytes: 100, streamBytes, readerGraceMs: GRACE_MS };
    const request = { command: "x", background: false, output: "merged", stdin: "null", holdOutput } as const;
    this.tracked = new TrackedProcess({ id: "p", child, request, directory: "/", clock: this.clock, limits });
  }

  async write(bytes: Uint8Array<ArrayBuffer>, pipe = 0): Promise<void> {
    const { outputBytes } = this.tracked;
    this.#pipes[pipe]?.enqueue(bytes);
    while (this.tracked.outputBytes < outputBytes + bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends the process and closes its output. */
  async exit(status: ExitStatus = { code: 0, signal: null }): Promise<void> {
    for (const pipe of this.#pipes) pipe.close();
    this.#exit.resolve(status);
    await this.tracked.ended;
  }

  events(
    options: Partial<OutputEventsOptions> = {},
  ): AsyncGenerator<{ event?: string; id?: string | number; data?: string }> {
    return outputEvents({
      process: this.tracked,
      from: { output: 0, errors: 0 },
      until: "exit",
      clock: this.clock,
      signal: new AbortController().signal,
      ...options,
    });
  }

  /** Every event, as `[name, id, data]`. */
  async all(options: Partial<OutputEventsOptions> = {}): Promise<[string, unknown, Record<string, unknown>][]> {
    const seen: [string, unknown, Record<string, unknown>][] = [];
    for await (const { event = "", id, data = "{}" } of this.events(options)) seen.push([event, id, JSON.parse(data)]);
    return seen;
  }

  #pipe(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({ start: (controller) => void this.#pipes.push(controller) });
  }
}

Deno.test("outputEvents() gives the output with its offsets, then the exit", async () => {
  const process = new FakeProcess();
  await process.write(encode("hello\n"));
  await process.exit({ code: 3, signal: null });

  assertEquals(await process.all(), [
    ["output", "6.0", { stream: "output", offset: 0, text: "hello\n" }],
    ["exit", "6.0", { exit_code: 3, running: false, output_open: false, output_bytes: 6 }],
  ]);
});

Deno.test("outputEvents() names the signal that ended the process", async () => {
  const process = new FakeProcess();
  await process.exit({ code: null, signal: "SIGKILL" });

  const [[name, , data] = []] = await process.all();

  assertEquals([name, data?.exit_code, data?.signal], ["exit", -1, "SIGKILL"]);
});

Deno.test("outputEvents() gives what is written while it is read", async () => {
  const process = new FakeProcess();
  const events = process.events();
  const first = events.next();
  await process.clock.untilSleeping();

  await process.write(encode("late"));

  assertEquals(JSON.parse((await first).value.data).text, "late");
  await process.exit();
  assertEquals((await events.next()).value.event, "exit");
  assertEquals((await events.next()).done, true);
  assertEquals(process.clock.sleeping, 0);
});

Deno.test("outputEvents() goes on where a reader left off", async () => {
  const process = new FakeProcess();
  await process.write(encode("0123456789"));
  await process.exit();

  const [[, , data] = []] = await process.all({ from: { output: 7, errors: 0 } });

  assertEquals(data, { stream: "output", offset: 7, text: "789" });
});

Deno.test("outputEvents() names the bytes that a late reader missed", async () => {
  const process = new FakeProcess({ streamBytes: 4 });
  let missed = 0;
  await process.write(encode("0123456789"));
  await process.exit();

  const events = await process.all({ onGap: (bytes) => missed += bytes });

  assertEquals(events.slice(0, 2), [
    ["gap", "6.0", { stream: "output", offset: 0, bytes: 6 }],
    ["output", "10.0", { stream: "output", offset: 6, text: "6789" }],
  ]);
  assertEquals(missed, 6);
});

Deno.test("outputEvents() tells the two streams apart", async () => {
  const process = new FakeProcess({ separate: true });
  await process.write(encode("out"), 0);
  await process.write(encode("err!"), 1);
  await process.exit();

  const events = await process.all();

  assertEquals(events.map(([name, id, data]) => [name, id, data.stream, data.text]), [
    ["output", "3.0", "output", "out"],
    ["output", "3.4", "errors", "err!"],
    ["exit", "3.4", undefined, undefined],
  ]);
});

Deno.test("outputEvents() holds a character back until it is whole", async () => {
  const process = new FakeProcess();
  const [first, second] = [encode("a€").slice(0, 2), encode("a€").slice(2)];
  await process.write(first);
  const events = process.events();
  assertEquals(JSON.parse((await events.next()).value.data).text, "a");
  const next = events.next();
  await process.clock.untilSleeping();

  await process.write(second);

  assertEquals(JSON.parse((await next).value.data), { stream: "output", offset: 1, text: "€" });
  await process.exit();
  await events.return(undefined);
});

Deno.test("outputEvents() gives bytes that are no text as base64", async () => {
  const process = new FakeProcess();
  await process.write(new Uint8Array([0xff, 0xfe, 0x00]));
  await process.exit();

  const [[, , data] = []] = await process.all();

  assertEquals(data, { stream: "output", offset: 0, base64: "//4A" });
});

Deno.test("outputEvents() sends a sign of life when nothing happens", async () => {
  const process = new FakeProcess();
  const events = process.events();
  const next = events.next();
  await process.clock.untilSleeping();

  await process.clock.advance(15_000);

  assertEquals((await next).value, { comment: "keep-alive" });
  await process.exit();
  await events.return(undefined);
});

Deno.test("outputEvents() ends without an exit when its signal aborts", async () => {
  const process = new FakeProcess();
  const stop = new AbortController();
  const events = process.events({ signal: stop.signal });
  const next = events.next();
  await process.clock.untilSleeping();

  stop.abort();

  assertEquals((await next).done, true);
  assertEquals(process.clock.sleeping, 0);
  await process.exit();
});

Deno.test("streamOutput() encodes events as text, and stops working when the reader leaves", async () => {
  const process = new FakeProcess();
  await process.write(encode("hi"));
  const reader = streamOutput({
    process: process.tracked,
    from: { output: 0, errors: 0 },
    until: "exit",
    clock: process.clock,
    signal: new AbortController().signal,
  }).getReader();

  let text = "";
  while (!text.endsWith("\n\n")) text += new TextDecoder().decode((await reader.read()).value);
  assertEquals(text, 'event:output\ndata:{"stream":"output","offset":0,"text":"hi"}\nid:2.0\n\n');
  const pending = reader.read();
  await process.clock.untilSleeping();
  await reader.cancel();

  assertEquals((await pending).done, true);
  await process.clock.advance(0);
  assertEquals(process.clock.sleeping, 0);
  await process.exit();
});

Deno.test("parsePosition() reads an event's id and nothing else", () => {
  assertEquals(parsePosition("12.34"), { output: 12, errors: 34 });
  for (const id of ["", "12", "a.b", "-1.0", "1.2.3", "1e3.0"]) assertEquals(parsePosition(id), undefined);
});

Deno.test("outputEvents() gives every byte once, or names it as missing, at any pace", async () => {
  const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 12 });
  const paces = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 });

  await fc.assert(
    fc.asyncProperty(writes, paces, fc.integer({ min: 1, max: 200 }), async (parts, pace, streamBytes) => {
      const process = new FakeProcess({ streamBytes });
      const events = process.events();
      const whole = parts.flatMap((part) => [...part]);
      let at = 0;
      const take = async (): Promise<string | undefined> => {
        const { value, done } = await events.next();
        if (done || value.data === undefined) return undefined;
        const data = JSON.parse(value.data);
        if (value.event === "exit") return "exit";
        assertEquals(data.offset, at);
        const bytes = value.event === "gap"
          ? whole.slice(at, at + data.bytes)
          : [...(data.base64 === undefined ? encode(data.text) : decodeBase64(data.base64))];
        assertEquals(bytes, whole.slice(at, at + bytes.length));
        at += bytes.length;
        return value.event;
      };

      for (const [i, part] of parts.entries()) {
        await process.write(new Uint8Array(part));
        // Reads only what is there for certain: a character that is not whole would be waited for.
        for (let n = 0; n < pace[i % pace.length]! && at + 3 < process.tracked.output.end; n++) await take();
      }
      await process.exit();
      while (await take() !== "exit");

      assert(at === whole.length);
    }),
    { numRuns: 50 },
  );
});
