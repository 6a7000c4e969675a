/**
 * Between the coordinates that a model was shown and the screen's own.
 *
 * @module
 */
import type { Point, Rectangle } from "./driver.ts";
import type { Size } from "./image/picture.ts";

/** The pixel under the middle of a model's pixel. Rounded, and always on the screen when its size is known. */
export function toScreen(point: Point, scaled: Partial<Size>, screen: Size): Point {
  return {
    x: mapAxis(point.x, scaled.width, screen.width),
    y: mapAxis(point.y, scaled.height, screen.height),
  };
}

/** The model's pixel over a pixel of the screen. */
export function fromScreen(point: Point, scaled: Partial<Size>, screen: Size): Point {
  return {
    x: mapAxis(point.x, screen.width, scaled.width || screen.width),
    y: mapAxis(point.y, screen.height, scaled.height || screen.height),
  };
}

/**
 * The part of the screen between two corners, the second one excluded.
 *
 * @returns `undefined` when nothing is between them.
 */
export function regionOnScreen(
  [left, top, right, bottom]: readonly [number, number, number, number],
  scaled: Partial<Size>,
  screen: Size,
): Rectangle | undefined {
  const edge = (value: number, from: number | undefined, to: number) =>
    Math.min(to, Math.max(0, Math.round(from ? value * to / from : value)));
  const x = edge(left, scaled.width, screen.width);
  const y = edge(top, scaled.height, screen.height);
  const width = edge(right, scaled.width, screen.width) - x;
  const height = edge(bottom, scaled.height, screen.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

/** The largest size with the shape of `size` that fits into `bounds`; a bound that is 0 or missing is none. */
export function fitInto(size: Size, bounds: Partial<Size>): Size {
  const factor = Math.min(
    bounds.width ? bounds.width / size.width : Infinity,
    bounds.height ? bounds.height / size.height : Infinity,
  );
  if (factor === Infinity) return size;
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return { width: side(size.width), height: side(size.height) };
}

function mapAxis(value: number, from: number | undefined, to: number): number {
  const mapped = !from || from === to ? value : Math.round((value + 0.5) * to / from - 0.5);
  return to === 0 ? value : Math.min(to - 1, Math.max(0, mapped));
}
