import { assertEquals, assertRejects } from "@std/assert";

import { VirtualClock } from "../../../core/testing/mod.ts";
import type { Display, KeyMap } from "../x11/display.ts";
import { Keyboard } from "./keyboard.ts";

const A = 0x61;
const SHIFT_L = 0xffe1;
const CTRL_L = 0xffe3;
/** Characters that no key of the layout below produces. */
const FOREIGN = [0x010003b1, 0x010003b2, 0x010003b3] as const;

/** A display with the keys 8 (a), 9 (Shift), 10 (Ctrl) and one spare key, which takes two characters. */
function fakeDisplay() {
  const pressed = new Set<number>();
  const keysyms = Uint32Array.of(A, 0x41, SHIFT_L, 0, CTRL_L, 0, 0, 0);
  let beforeSync = () => {};
  const display = {
    onKeyMapChange: () => {},
    key: (keycode: number, isDown: boolean) => void (isDown ? pressed.add(keycode) : pressed.delete(keycode)),
    pointer: () => Promise.resolve({ x: 0, y: 0, mask: 0 }),
    setKey: (keycode: number, plain: number, shifted: number) => keysyms.set([plain, shifted], 2 * (keycode - 8)),
    keyMap: (): Promise<KeyMap> => Promise.resolve({ first: 8, width: 2, keysyms }),
    sync: () => Promise.resolve(beforeSync()),
  };
  return { display: display as unknown as Display, pressed, onSync: (fn: () => void) => beforeSync = fn };
}

const forever = new AbortController().signal;

Deno.test("Keyboard.down() presses nothing for an agent whose desktop was taken while the keys were looked for", async () => {
  const { display, pressed, onSync } = fakeDisplay();
  const keyboard = new Keyboard(display, new VirtualClock());
  const taken = new AbortController();
  onSync(() => taken.abort(new Error("a person took it")));

  await assertRejects(() => keyboard.down([CTRL_L], taken.signal), Error, "a person took it");
  await assertRejects(() => keyboard.tap([A], taken.signal), Error, "a person took it");

  assertEquals([...pressed], []);
});

Deno.test("Keyboard.down() holds keys until releaseAll()", async () => {
  const { display, pressed } = fakeDisplay();
  const keyboard = new Keyboard(display, new VirtualClock());

  await keyboard.down([CTRL_L, A], forever);
  assertEquals([...pressed], [10, 8]);
  await keyboard.releaseAll();

  assertEquals([...pressed], []);
});

for (const jumpMs of [-3_600_000, 3_600_000]) {
  Deno.test(`Keyboard.type() waits two seconds before a spare key means something else, also when the machine's clock is set by ${jumpMs} ms`, async () => {
    const { display } = fakeDisplay();
    const clock = new VirtualClock();
    const keyboard = new Keyboard(display, clock);
    const both = keyboard.tap([FOREIGN[0], FOREIGN[1]]);
    await clock.advance(20);
    await both;

    clock.jump(jumpMs);
    let isDone = false;
    const third = keyboard.tap([FOREIGN[2]]).then(() => isDone = true);
    await clock.advance(1990);
    assertEquals(isDone, false);
    await clock.advance(50);

    assertEquals(isDone, true);
    await third;
  });
}
