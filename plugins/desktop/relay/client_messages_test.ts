import { assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { type ClientMessage, ClientMessages, keyRelease, RfbProtocolError } from "./client_messages.ts";

const text = new TextEncoder();
/** What the server says first, and in 3.3 the kind of security. */
const greeting = (security = 1) => () => Uint8Array.of(...text.encode("RFB 003.008\n"), 0, 0, 0, security);
const HELLO = [...text.encode("RFB 003.008\n"), 1, 0];
const KEY = [4, 1, 0, 0, 0, 0, 0, 0x61];
const POINTER = [5, 3, 1, 0, 0, 9];
const UPDATE = [3, 1, 0, 0, 0, 0, 0, 9, 0, 9];
const CUT_TEXT = [6, 0, 0, 0, 0, 0, 0, 2, 104, 105];
const FENCE = [248, 0, 0, 0, 0, 0, 0, 1, 3, 7, 8, 9];
const DESKTOP_SIZE = [251, 0, 1, 0, 1, 0, 1, 0, ...Array.from({ length: 16 }, () => 0)];
const QEMU_KEY = [255, 0, 0, 1, 0, 0, 0, 0x62, 0, 0, 0, 48];
const QEMU_AUDIO = [255, 1, 0, 2, 0, 1, 0, 0, 0, 0];

function kinds(messages: readonly ClientMessage[]): string[] {
  return messages.map(({ kind, bytes }) => `${kind} ${bytes.byteLength}`);
}

Deno.test("ClientMessages tells what each message is for", () => {
  const messages = new ClientMessages(greeting());
  const all = [HELLO, KEY, POINTER, UPDATE, CUT_TEXT, FENCE, DESKTOP_SIZE, QEMU_KEY, QEMU_AUDIO].flat();

  const read = messages.push(Uint8Array.from(all));

  assertEquals(kinds(read), [
    ...["view 12", "view 1", "view 1", "input 8", "input 6", "view 10"],
    ...["clipboard 10", "view 12", "barred 24", "input 12", "barred 10"],
  ]);
  assertEquals(read[3]!.key, { keysym: 0x61, isDown: true });
  assertEquals(read[4]!.pointer, { buttons: 3, x: 256, y: 9 });
  assertEquals(read[9]!.key, { keysym: 0x62, isDown: true });
});

Deno.test("ClientMessages reads the same however the bytes are cut", () => {
  const all = Uint8Array.from([HELLO, KEY, CUT_TEXT, QEMU_KEY, FENCE, POINTER, DESKTOP_SIZE, UPDATE].flat());
  const whole = kinds(new ClientMessages(greeting()).push(all));
  fc.assert(fc.property(fc.array(fc.nat(all.length), { maxLength: 12 }), (cuts) => {
    const messages = new ClientMessages(greeting());
    const at = [0, ...cuts.sort((a, b) => a - b), all.length];

    assertEquals(kinds(at.slice(1).flatMap((end, index) => messages.push(all.slice(at[index], end)))), whole);
  }));
});

Deno.test("a client that wants the screen for itself gets to share it", () => {
  const read = new ClientMessages(greeting()).push(Uint8Array.from(HELLO));

  assertEquals(read.at(-1)!.bytes, Uint8Array.of(1));
});

Deno.test("encodings that would change what is read are not offered to the server", () => {
  const encodings = [7, -316, 16, -305, -308];
  const message = new DataView(new ArrayBuffer(4 + 4 * encodings.length));
  message.setUint8(0, 2);
  message.setUint16(2, encodings.length);
  for (const [index, encoding] of encodings.entries()) message.setInt32(4 + 4 * index, encoding);
  const messages = new ClientMessages(greeting());
  messages.push(Uint8Array.from(HELLO));

  const [read] = messages.push(new Uint8Array(message.buffer));

  const view = new DataView(read!.bytes.buffer);
  assertEquals([view.getUint16(2), view.getInt32(4), view.getInt32(8), view.getInt32(12)], [3, 7, 16, -308]);
});

Deno.test("in RFB 3.3 the server chooses the security, and a password is passed on", () => {
  const open = new ClientMessages(greeting(1)).push(Uint8Array.of(...text.encode("RFB 003.003\n"), 0, ...KEY));
  const locked = new ClientMessages(greeting(2)).push(
    Uint8Array.of(...text.encode("RFB 003.003\n"), ...Array.from({ length: 16 }, () => 9), 0, ...KEY),
  );

  const waiting = new ClientMessages(() => text.encode("RFB 003.008\n"));
  assertEquals(kinds(waiting.push(text.encode("RFB 003.003\n"))), ["view 12"]); // The server has not chosen yet.
  assertEquals(kinds(open), ["view 12", "view 1", "input 8"]);
  assertEquals(kinds(locked), ["view 12", "view 16", "view 1", "input 8"]);
});

Deno.test("what is not known is refused with its reason, and a clipboard without end too", () => {
  const after = (...bytes: number[]) => () => new ClientMessages(greeting()).push(Uint8Array.of(...HELLO, ...bytes));

  assertThrows(after(77), RfbProtocolError, "Unknown message type 77");
  assertThrows(after(6, 0, 0, 0, 0x7f, 0, 0, 0), RfbProtocolError, "limit is 1048576");
  assertThrows(after(6, 0, 0, 0, 0x80, 0, 0, 0), RfbProtocolError, "limit is 1048576");
  assertThrows(() => new ClientMessages(greeting()).push(text.encode("GET / HTTP/1")), RfbProtocolError, "version");
  const tight = Uint8Array.of(...text.encode("RFB 003.008\n"), 16);
  assertThrows(() => new ClientMessages(greeting()).push(tight), RfbProtocolError, "Security type 16");
});

Deno.test("whatever a client sends, the reader gives messages or refuses", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (frames) => {
    const messages = new ClientMessages(greeting());
    try {
      messages.push(Uint8Array.from(HELLO));
      for (const frame of frames) messages.push(frame);
    } catch (error) {
      if (!(error instanceof RfbProtocolError)) throw error;
    }
  }));
});

Deno.test("keyRelease() is what a client would send", () => {
  assertEquals(keyRelease(0x61), Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0x61));
});
