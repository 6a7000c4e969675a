import { assertEquals, assertThrows } from "@std/assert";
import { decodeHex } from "@std/encoding/hex";

import { decodeFrame } from "./boundary_message.ts";
import { FrameReader } from "./frame.ts";

/** One allowed request, as a payload with tag 1. */
const REQUEST = "0a3b0801120608 80f2d6ca061a2f0a03474554121468747470733a2f2f6578616d706c652e636f6d2f" +
  "1a12646f6d61696e3d6578616d706c652e636f6d";

function decode(hex: string) {
  const bytes = decodeHex(hex.replaceAll(" ", ""));
  const reader = new FrameReader();
  reader.space().set(bytes);
  return [...reader.filled(bytes.length)].map((frame) => decodeFrame(frame));
}

Deno.test("decodeFrame() reads the same entry under both tags", () => {
  const events = decode(`01 00003d ${REQUEST} 02 00003f 0a3d ${REQUEST}`);

  const entries = events.map((event) => event.kind === "logs" ? event.request.logs : []);
  assertEquals(entries[0], entries[1]);
  assertEquals(entries[0]!.length, 1);
  const [entry] = entries[0]!;
  assertEquals([entry!.allowed, entry!.time?.seconds, entry!.sequenceNumber], [true, 1767225600n, 0]);
  assertEquals(entry!.resource.case, "httpRequest");
  const { method, url, matchedRule } = entry!.resource.value!;
  assertEquals({ method, url, matchedRule }, {
    method: "GET",
    url: "https://example.com/",
    matchedRule: "domain=example.com",
  });
});

Deno.test("decodeFrame() reads the counts of a status message, and nothing from negative ones", () => {
  assertEquals(decode("02 000006 1204 0805 1003"), [{ kind: "status", channelFull: 5, batchFull: 3 }]);
  assertEquals(decode("02 00000d 120b 08ffffffffffffffffff01"), [{ kind: "status", channelFull: 0, batchFull: 0 }]);
});

Deno.test("decodeFrame() takes an empty payload as an empty batch under tag 1, as an unknown message under tag 2", () => {
  const [batch, envelope] = decode("01 000000 02 000000");

  assertEquals(batch?.kind === "logs" && batch.request.logs, []);
  assertEquals(envelope, { kind: "unknown" });
});

Deno.test("decodeFrame() does not know a variant that a later version added", () => {
  assertEquals(decode("02 000004 1a02 0801"), [{ kind: "unknown" }]);
});

Deno.test("decodeFrame() throws when the payload is no protobuf", () => {
  assertThrows(() => decode("01 000003 ffffff"));
  assertThrows(() => decode("02 000003 0aff01"));
});
