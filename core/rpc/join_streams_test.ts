import { assertEquals, assertRejects } from "@std/assert";

import { bytePipe } from "./byte_pipe.ts";
import type { ByteStream } from "./byte_stream.ts";
import { joinStreams } from "./join_streams.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (let part = await stream.read(); part !== null; part = await stream.read()) {
    text += new TextDecoder().decode(part);
  }
  return text;
}

Deno.test("joinStreams() carries both ways, and the end of one direction leaves the other open", async () => {
  const [left, nearLeft] = bytePipe();
  const [nearRight, right] = bytePipe();
  const joined = joinStreams(nearLeft, nearRight);

  await left.write(bytes("question"));
  await left.closeWrite();
  assertEquals(await readAll(right), "question");
  await right.write(bytes("answer"));
  await right.closeWrite();

  assertEquals(await readAll(left), "answer");
  await joined;
});

Deno.test("joinStreams() ends both when one side breaks", async () => {
  const [left, nearLeft] = bytePipe();
  const [nearRight, right] = bytePipe();
  const joined = joinStreams(nearLeft, nearRight);

  nearLeft.close(new Error("cut"));
  await joined;

  assertEquals(await readAll(left), "");
  await assertRejects(() => nearRight.read());
  assertEquals(await readAll(right), "");
});

Deno.test("joinStreams() ends when it is told to, though one side does not read", async () => {
  const [left, nearLeft] = bytePipe();
  const [nearRight, right] = bytePipe({ highWaterBytes: 1 });
  const writing = Promise.withResolvers<void>();
  const { write } = nearRight;
  let writes = 0;
  nearRight.write = (part) => {
    if (++writes === 2) writing.resolve();
    return write.call(nearRight, part);
  };
  const stop = new AbortController();
  const joined = joinStreams(nearLeft, nearRight, stop.signal);
  await left.write(bytes("one"));
  await left.write(bytes("two, for which there is no room"));
  await writing.promise;

  stop.abort();
  await joined;

  assertEquals([await readAll(left), await readAll(right)], ["", "one"]);
});

Deno.test("joinStreams() that was stopped before it began closes both", async () => {
  const [left, nearLeft] = bytePipe();
  const [nearRight, right] = bytePipe();

  await joinStreams(nearLeft, nearRight, AbortSignal.abort());

  assertEquals([await readAll(left), await readAll(right)], ["", ""]);
});
