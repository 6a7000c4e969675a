import { assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { DrpcProtocolError } from "./error.ts";
import { encodeFrame, type Frame, Kind, MAX_PACKET_BYTES, type Packet, parseFrame, splitPacket } from "./packet.ts";
import { PacketReader } from "./packet_reader.ts";
import { appendVarint, readVarint } from "./varint.ts";

const RUNS = 200 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

const anyId = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const anyFrame: fc.Arbitrary<Frame> = fc.record({
  kind: fc.integer({ min: 0, max: 63 }),
  done: fc.boolean(),
  control: fc.boolean(),
  stream: anyId,
  message: anyId,
  data: fc.uint8Array({ maxLength: 300 }),
});

function frame(parts: Partial<Frame>): Frame {
  return { kind: Kind.message, done: true, control: false, stream: 1n, message: 1n, data: new Uint8Array(0), ...parts };
}

function read(...frames: Partial<Frame>[]): Packet[] {
  const reader = new PacketReader();
  return frames.flatMap((parts) => reader.push(encodeFrame(frame(parts))));
}

const text = (value: string) => new TextEncoder().encode(value);

Deno.test("a number of any length up to 64 bits survives, whatever bytes stand around it", () => {
  for (let bits = 0n; bits <= 64n; bits++) {
    for (const value of [2n ** bits - 1n, BigInt.asUintN(64, 2n ** bits), BigInt.asUintN(64, 2n ** bits + 1n)]) {
      const out: number[] = [0xff];
      appendVarint(out, value);
      const bytes = Uint8Array.from([...out, 0x80, 0x80]);
      assertEquals(readVarint(bytes, 1), { value, end: out.length });
    }
  }
});

Deno.test("readVarint() waits for a number that is cut off and refuses one that is too long", () => {
  const out: number[] = [];
  appendVarint(out, 2n ** 64n - 1n);
  for (let count = 0; count < out.length; count++) {
    assertEquals(readVarint(Uint8Array.from(out.slice(0, count)), 0), undefined);
  }

  assertThrows(() => readVarint(new Uint8Array(11).fill(0x80), 0), RangeError, "longer than 10 bytes");
});

Deno.test("parseFrame() gives back any frame and leaves the bytes behind it", () => {
  fc.assert(
    fc.property(anyFrame, fc.uint8Array(), (frame, rest) => {
      const encoded = encodeFrame(frame);
      const parsed = parseFrame(Uint8Array.from([...encoded, ...rest]));
      assertEquals(parsed, { frame, end: encoded.length });
      for (const count of [0, 1, encoded.length - 1]) assertEquals(parseFrame(encoded.subarray(0, count)), undefined);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("splitPacket() cuts into chunks of the given size with one last frame, also when there is nothing to cut", () => {
  const lengths = (size: number, chunk: number) =>
    splitPacket({ ...frame({}), data: new Uint8Array(size) }, chunk).map(({ data, done }) => [data.length, done]);

  assertEquals(lengths(0, 4), [[0, true]]);
  assertEquals(lengths(4, 4), [[4, true]]);
  assertEquals(lengths(9, 4), [[4, false], [4, false], [1, true]]);
});

Deno.test("PacketReader.push() joins the frames of a packet", () => {
  assertEquals(read({ done: false, data: text("ab") }, { data: text("c") }, { message: 2n }), [
    { kind: Kind.message, control: false, stream: 1n, message: 1n, data: text("abc") },
    { kind: Kind.message, control: false, stream: 1n, message: 2n, data: text("") },
  ]);
});

Deno.test("PacketReader.push() takes a packet for control when any of its frames is", () => {
  const [packet] = read({ done: false, control: true }, { done: false }, {});
  assertEquals(packet!.control, true);
});

Deno.test("PacketReader.push() drops a packet whose sender began another", () => {
  const packets = read({ done: false, data: text("lost") }, { message: 2n, data: text("kept") }, { stream: 2n });
  assertEquals(packets.map(({ stream, message, data }) => [stream, message, data]), [
    [1n, 2n, text("kept")],
    [2n, 1n, text("")],
  ]);
});

for (
  const [name, frames] of Object.entries<Partial<Frame>[]>({
    "a used id": [{}, {}],
    "a lower message": [{ message: 3n }, { message: 2n }],
    "a lower stream": [{ stream: 2n }, { stream: 1n, message: 9n }],
    "stream 0": [{ stream: 0n }],
    "message 0": [{ message: 0n }],
    "a dropped packet that goes on": [{ done: false }, { message: 2n, done: false }, { message: 1n }],
  })
) {
  Deno.test(`PacketReader.push() refuses ${name} as a violation of the order`, () => {
    assertThrows(() => read(...frames), DrpcProtocolError, "id monotonicity violation");
  });
}

Deno.test("PacketReader.push() refuses a packet that changes its kind", () => {
  assertThrows(() => read({ done: false }, { kind: Kind.error }), DrpcProtocolError, "packet kind change");
});

Deno.test("PacketReader.push() refuses a packet over the limit before it has arrived, in one frame or in many", () => {
  const head = encodeFrame(frame({ data: new Uint8Array(MAX_PACKET_BYTES + 1) })).subarray(0, 10);
  assertThrows(() => new PacketReader().push(head), DrpcProtocolError, "data overflow");

  const reader = new PacketReader({ maxPacketBytes: 10 });
  reader.push(encodeFrame(frame({ done: false, data: new Uint8Array(10) })));
  assertThrows(() => reader.push(encodeFrame(frame({ data: new Uint8Array(1) }))), DrpcProtocolError, "data overflow");
});

Deno.test("PacketReader.push() takes the longest packet there may be", () => {
  const data = new Uint8Array(MAX_PACKET_BYTES).fill(7);
  const packets = read(...splitPacket({ ...frame({}), data }));
  assertEquals([packets.length, packets[0]!.data.length, packets[0]!.data.at(-1)], [1, MAX_PACKET_BYTES, 7]);
});

Deno.test("PacketReader.push() gives the same packets however the bytes are cut", () => {
  const anyPackets = fc.array(
    fc.record({
      kind: fc.integer({ min: 1, max: 7 }),
      data: fc.uint8Array({ maxLength: 5000 }),
      split: fc.integer({ min: 1, max: 3000 }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(anyPackets, fc.array(fc.nat({ max: 4000 })), (packets, cuts) => {
      const whole = packets.map(({ kind, data }, index): Packet => {
        return { kind, control: false, stream: 1n, message: BigInt(index + 1), data };
      });
      const stream = concat(
        whole.flatMap((packet, index) => splitPacket(packet, packets[index]!.split).map(encodeFrame)),
      );
      const reader = new PacketReader();

      const read: Packet[] = [];
      let offset = 0;
      for (const cut of [...cuts, stream.length]) {
        read.push(...reader.push(stream.slice(offset, offset + cut)));
        offset += cut;
      }

      assertEquals(read, whole);
      assertEquals(reader.isBetweenPackets, true);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("PacketReader.push() takes arbitrary bytes or refuses them, and never does anything else", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
      const reader = new PacketReader({ maxPacketBytes: 1000 });
      try {
        for (const chunk of chunks) reader.push(chunk);
      } catch (error) {
        if (!(error instanceof DrpcProtocolError)) throw error;
      }
    }),
    { numRuns: 10 * RUNS },
  );
});

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
