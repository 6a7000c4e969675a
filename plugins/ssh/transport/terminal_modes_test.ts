import { assertEquals } from "@std/assert";

import { FieldWriter } from "../wire_fields.ts";
import { decodeTerminalModes, terminalModesOf } from "./terminal_modes.ts";

const MODES = new Uint8Array([1, 0, 0, 0, 3, 53, 0, 0, 0, 0, 128, 0, 0, 150, 0, 0]);

Deno.test("terminalModesOf() finds the modes that the library loses", () => {
  const packet = new FieldWriter().uint8(98).uint32(0).text("pty-req").uint8(1).text("xterm")
    .uint32(80).uint32(24).uint32(0).uint32(0).bytes(MODES).finish();

  assertEquals(terminalModesOf(packet), new Map([[1, 3], [53, 0], [128, 38400]]));
  assertEquals(terminalModesOf(packet.subarray(0, packet.length - 1)), undefined);
  assertEquals(terminalModesOf(new FieldWriter().uint8(98).uint32(0).text("env").finish()), undefined);
  assertEquals(terminalModesOf(new Uint8Array()), undefined);
});

Deno.test("decodeTerminalModes() ends at the end mark, at an opcode without a known length, and at half a pair", () => {
  assertEquals(decodeTerminalModes(new Uint8Array([0, 1, 0, 0, 0, 3])), new Map());
  assertEquals(decodeTerminalModes(new Uint8Array([50, 0, 0, 0, 1, 160, 1, 2, 3, 4])), new Map([[50, 1]]));
  assertEquals(decodeTerminalModes(new Uint8Array([50, 0, 0, 0, 1, 51, 0])), new Map([[50, 1]]));
});
