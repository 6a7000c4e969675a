import { assertEquals } from "@std/assert";

import { readConnectionSetup, refusal } from "./connection_setup.ts";

/** A connection that gives its bytes one at a time, and then hangs up. */
function trickle(bytes: Uint8Array): Pick<Deno.Conn, "read"> {
  let at = 0;
  return {
    read(into) {
      if (at === bytes.length) return Promise.resolve(null);
      into[0] = bytes[at++]!;
      return Promise.resolve(1);
    },
  };
}

function setup(order: "B" | "l", protocol: string, cookie: readonly number[]): Uint8Array {
  const padded = (count: number) => Math.ceil(count / 4) * 4;
  const bytes = new Uint8Array(12 + padded(protocol.length) + padded(cookie.length));
  const view = new DataView(bytes.buffer);
  bytes[0] = order.charCodeAt(0);
  view.setUint16(2, 11, order === "l");
  view.setUint16(6, protocol.length, order === "l");
  view.setUint16(8, cookie.length, order === "l");
  bytes.set(new TextEncoder().encode(protocol), 12);
  bytes.set(cookie, 12 + padded(protocol.length));
  return bytes;
}

Deno.test("readConnectionSetup() reads name and cookie in both byte orders, in whatever pieces they come", async () => {
  for (const order of ["B", "l"] as const) {
    const bytes = setup(order, "MIT-MAGIC-COOKIE-1", [1, 2, 3]);

    const read = await readConnectionSetup(trickle(bytes));

    assertEquals(read, { protocol: "MIT-MAGIC-COOKIE-1", cookie: new Uint8Array([1, 2, 3]), head: bytes });
  }
  assertEquals((await readConnectionSetup(trickle(setup("l", "", []))))?.protocol, "");
});

Deno.test("readConnectionSetup() takes nothing else, no endless strings and no half setup", async () => {
  const whole = setup("l", "MIT-MAGIC-COOKIE-1", [1, 2, 3]);
  for (
    const bytes of [
      new TextEncoder().encode("GET / HTTP/1.1\r\n"),
      setup("B", "x".repeat(1025), []),
      whole.subarray(0, 11),
      whole.subarray(0, whole.length - 1),
    ]
  ) assertEquals(await readConnectionSetup(trickle(bytes)), undefined);
});

Deno.test("refusal() is what an X server says, in the program's byte order", () => {
  const words = (answer: Uint8Array, isLittle: boolean) => {
    const view = new DataView(answer.buffer);
    return [answer[0], answer[1], view.getUint16(2, isLittle), view.getUint16(6, isLittle), answer.length];
  };

  assertEquals(words(refusal("no way", setup("l", "", [])), true), [0, 6, 11, 2, 16]);
  assertEquals(words(refusal("no way", setup("B", "", [])), false), [0, 6, 11, 2, 16]);
});
