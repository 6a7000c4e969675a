import { assertEquals } from "@std/assert";

import type { Child, ExitStatus } from "../plugin.ts";
import { drain, readOutput } from "./output_reader.ts";
import { Spawner } from "./spawner.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";

function groups() {
  return new Spawner({ processEnv: { PATH, HOME: "/" } }).scope("test", { build: () => Promise.resolve({ PATH }) });
}

Deno.test("settled comes after everything the main process wrote, although a child holds the output", async () => {
  await using scope = groups();
  const text = "x".repeat(40_000);

  const seen = await Promise.all(Array.from({ length: 40 }, async () => {
    let bytes = 0;
    const child = await scope.spawn({ command: `sleep 60 & head -c ${text.length} /dev/zero; printf END` });
    const reading = readOutput(child, { output: (chunk) => bytes += chunk.length });
    const status = await reading.settled;
    const atEnd = bytes;
    await reading.cancel();
    return [status.code, atEnd];
  }));

  assertEquals(seen, seen.map(() => [0, 40_003]));
});

Deno.test("settled comes although a descendant in another session writes without pause", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "setsid yes & echo $!; exit 0" });
  let first = "";
  const reading = readOutput(child, { output: (chunk) => first ||= new TextDecoder().decode(chunk) });

  const status = await reading.settled;
  // yes(1) ends by SIGPIPE now: the group does not reach it.
  await reading.cancel();

  assertEquals(status, { code: 0, signal: null });
});

Deno.test("closed comes when the last holder of the output has ended", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "sleep 60 & exit 0" });
  const order: string[] = [];
  const reading = readOutput(child, { output: () => {} });
  const both = [reading.settled.then(() => order.push("settled")), reading.closed.then(() => order.push("closed"))];
  await reading.settled;

  child.kill("SIGKILL");
  await Promise.all(both);

  assertEquals(order, ["settled", "closed"]);
});

Deno.test("readOutput() goes on reading after the end, so that a background child is not stopped", async () => {
  await using scope = groups();
  const child = await scope.spawn({
    command: "(head -c 300000 /dev/zero; echo survived >&2) & exit 0",
    output: "separate",
  });
  let bytes = 0;
  let errors = "";
  const reading = readOutput(child, {
    output: (chunk) => bytes += chunk.length,
    errors: (chunk) => errors += new TextDecoder().decode(chunk),
  });

  await reading.settled;
  await reading.closed;

  assertEquals([bytes, errors], [300_000, "survived\n"]);
});

Deno.test("settled waits for bytes that the runtime brings after the end", async () => {
  const exit = Promise.withResolvers<ExitStatus>();
  let pipe: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  const output = new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => void (pipe = controller) });
  // No group has this number: it is above the largest process id of Linux.
  const child: Child = {
    pid: 2 ** 30,
    stdin: null,
    output,
    errors: null,
    exited: exit.promise,
    kill: () => false,
    killTree: () => Promise.resolve({ found: false, ended: [], survivors: [] }),
  };
  let bytes = 0;
  const reading = readOutput(child, { output: (chunk) => bytes += chunk.length });

  exit.resolve({ code: 0, signal: null });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  pipe?.enqueue(new Uint8Array(5));
  pipe?.close();
  await reading.settled;

  assertEquals(bytes, 5);
});

Deno.test("drain() keeps a child going whose output nobody wants", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "head -c 1000000 /dev/zero; exit 7" });

  await drain(child.output);

  assertEquals(await child.exited, { code: 7, signal: null });
});
