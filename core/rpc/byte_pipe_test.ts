import { assertEquals, assertRejects } from "@std/assert";

import { bytePipe } from "./byte_pipe.ts";
import { StreamClosedError } from "./byte_stream.ts";

Deno.test("bytePipe() carries bytes both ways, and each direction ends by itself", async () => {
  const [left, right] = bytePipe();

  await left.write(Uint8Array.of(1, 2));
  await left.closeWrite();
  await right.write(Uint8Array.of(3));

  assertEquals([await right.read(), await right.read(), await left.read()], [
    Uint8Array.of(1, 2),
    null,
    Uint8Array.of(3),
  ]);
  await assertRejects(() => left.write(Uint8Array.of(4)), StreamClosedError);
});

Deno.test("bytePipe() makes a writer wait while too much is unread", async () => {
  const [left, right] = bytePipe({ highWaterBytes: 10 });
  await left.write(new Uint8Array(10));
  let isWritten = false;

  const writing = left.write(new Uint8Array(1)).then(() => {
    isWritten = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(isWritten, false);
  await right.read();
  await writing;

  assertEquals(isWritten, true);
});

Deno.test("close() lets the other end read what was written, and fails what waits on this one", async () => {
  const [left, right] = bytePipe();
  await left.write(Uint8Array.of(1));
  const reading = assertRejects(() => left.read(), Error, "enough");

  left.close(new Error("enough"));

  await reading;
  assertEquals([await right.read(), await right.read()], [Uint8Array.of(1), null]);
  await assertRejects(() => right.write(Uint8Array.of(2)));
});
