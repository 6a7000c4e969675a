import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { fitInto, fromScreen, regionOnScreen, toScreen } from "./coordinates.ts";

const SCREEN = { width: 1920, height: 1080 };

Deno.test("toScreen() finds the pixel under the middle of the model's, rounded", () => {
  const at = (x: number, y: number, width?: number, height?: number) => toScreen({ x, y }, { width, height }, SCREEN);

  assertEquals(at(640, 360, 1280, 720), { x: 960, y: 540 });
  assertEquals(at(1365, 767, 1366, 768), { x: 1919, y: 1079 });
  assertEquals(at(7, 8), { x: 7, y: 8 });
  assertEquals(at(7, 8, 0, 540), { x: 7, y: 17 });
});

Deno.test("toScreen() stays on the screen, and leaves points alone while the size is not known", () => {
  assertEquals(toScreen({ x: 9999, y: -1 }, SCREEN, SCREEN), { x: 1919, y: 0 });
  assertEquals(toScreen({ x: 9999, y: 5 }, {}, { width: 0, height: 0 }), { x: 9999, y: 5 });
});

Deno.test("a model that is told where it clicked hears what it said, when its space is the smaller one", () => {
  const space = fc.record({ width: fc.integer({ min: 1, max: 1920 }), height: fc.integer({ min: 1, max: 1080 }) });
  fc.assert(fc.property(space, fc.nat(), fc.nat(), (scaled, x, y) => {
    const point = { x: x % scaled.width, y: y % scaled.height };

    assertEquals(fromScreen(toScreen(point, scaled, SCREEN), scaled, SCREEN), point);
  }));
});

Deno.test("regionOnScreen() maps edges, cuts at the screen's, and refuses an empty region", () => {
  assertEquals(regionOnScreen([0, 0, 640, 360], { width: 1280, height: 720 }, SCREEN), {
    ...{ x: 0, y: 0, width: 960, height: 540 },
  });
  assertEquals(regionOnScreen([1900, -5, 2000, 10], {}, SCREEN), { x: 1900, y: 0, width: 20, height: 10 });
  assertEquals(regionOnScreen([5, 5, 5, 9], {}, SCREEN), undefined);
  assertEquals(regionOnScreen([2000, 0, 2100, 9], {}, SCREEN), undefined);
});

Deno.test("fitInto() keeps the shape", () => {
  assertEquals(fitInto({ width: 100, height: 50 }, { width: 1280, height: 720 }), { width: 1280, height: 640 });
  assertEquals(fitInto({ width: 10, height: 1000 }, { width: 100, height: 100 }), { width: 1, height: 100 });
  assertEquals(fitInto({ width: 10, height: 20 }, {}), { width: 10, height: 20 });
});
