import { assertEquals, assertThrows } from "@std/assert";

import { keysymOfCharacter, parseKeys, UnknownKeyError } from "./keysyms.ts";

const PARSED: readonly (readonly [string, number[][]])[] = [
  ["a", [[0x61]]],
  ["Return", [[0xff0d]]],
  ["enter", [[0xff0d]]],
  ["ctrl+s", [[0xffe3, 0x73]]],
  ["Control_L+shift+T", [[0xffe3, 0xffe1, 0x54]]],
  ["ctrl++", [[0xffe3, 0x2b]]],
  ["+", [[0x2b]]],
  [" ", [[0x20]]],
  ["F12", [[0xffc9]]],
  ["f1", [[0xffbe]]],
  ["é", [[0xe9]]],
  ["eacute", [[0xe9]]],
  ["U20AC", [[0x010020ac]]],
  ["U1F600", [[0x0101f600]]],
  ["Down Down Return", [[0xff54], [0xff54], [0xff0d]]],
  ["page_down", [[0xff56]]],
  ["KP_5", [[0xffb5]]],
  ["XF86AudioMute", [[0x1008ff12]]],
];
for (const [text, keysyms] of PARSED) {
  Deno.test(`parseKeys() reads ${JSON.stringify(text)}`, () => assertEquals(parseKeys(text), keysyms));
}

Deno.test("parseKeys() names the part that is no key", () => {
  assertThrows(() => parseKeys("ctrl+blah"), UnknownKeyError, 'Unknown key "blah" in "ctrl+blah"');
  assertThrows(() => parseKeys(""), UnknownKeyError, "without a name");
});

Deno.test("keysymOfCharacter() has keys for line ends and for every character, and refuses the rest", () => {
  assertEquals(["\n", "\t", "ß", "漢", "😀"].map(keysymOfCharacter), [0xff0d, 0xff09, 0xdf, 0x01006f22, 0x0101f600]);
  assertThrows(() => keysymOfCharacter("\x01"), UnknownKeyError, "U+0001");
  assertThrows(() => keysymOfCharacter("\ud800"), UnknownKeyError, "U+D800");
});
