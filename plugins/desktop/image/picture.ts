/**
 * Pictures of a screen, as pixels or already encoded.
 *
 * @module
 */
import { Slices } from "./slices.ts";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Longest side of a screen and of a picture of it, in pixels: a wall of screens. A picture of that size takes 192 MiB. */
export const MAX_SIDE = 8192;

/** Pixels, rows from the top, three bytes each: red, green, blue. */
export interface Picture extends Size {
  readonly kind: "pixels";
  readonly rgb: Uint8Array<ArrayBuffer>;
}
/** A picture that somebody else encoded. */
export interface EncodedPicture extends Size {
  readonly kind: "png";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads what an X server answers. Other work gets its turn in between.
 *
 * @param bytes Four bytes per pixel at depth 24 (blue, green, red, unused), two at depth 16 (5, 6 and 5 bits), rows padded to
 * four bytes.
 * @throws The signal's reason when it aborts meanwhile.
 */
export async function pictureOf(bytes: Uint8Array, size: Size, depth: number, signal: AbortSignal): Promise<Picture> {
  const rgb = new Uint8Array(size.width * size.height * 3);
  const slices = new Slices(signal);
  const readRow = depth === 16 ? readShortPixels : readPixels;
  for (let y = 0; y < size.height; y++) {
    readRow(bytes, y, size.width, rgb);
    await slices.worked(size.width);
  }
  return { kind: "pixels", ...size, rgb };
}

/**
 * Brings a picture to another size. Each new pixel is the average of what it covers, so that small text stays readable. Other work gets
 * its turn in between.
 *
 * @throws The signal's reason when it aborts meanwhile.
 */
export async function resized(picture: Picture, target: Size, signal: AbortSignal): Promise<Picture> {
  const { width, height } = picture;
  if (width === target.width && height === target.height) return picture;
  const columns = spans(width, target.width);
  const rows = spans(height, target.height);
  const rgb = new Uint8Array(target.width * target.height * 3);
  const line = new Float64Array(target.width * 3);
  const columnSum = sumOf(columns[0]!);
  const slices = new Slices(signal);
  for (let y = 0; y < target.height; y++) {
    line.fill(0);
    const { first, weights } = rows[y]!;
    for (const [dy, weight] of weights.entries()) {
      addRow(line, picture, first + dy, weight, columns);
      await slices.worked(Math.max(width, target.width));
    }
    const total = sumOf(rows[y]!) * columnSum;
    for (let index = 0, to = y * target.width * 3; index < line.length; index++, to++) {
      rgb[to] = line[index]! / total + 0.5;
    }
  }
  return { kind: "pixels", ...target, rgb };
}

/** Which pixels one new pixel covers, and how much of each. The weights of every span have the same sum. */
interface Span {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Adds what a row of the picture is to a new line. */
function addRow(
  line: Float64Array,
  { width, rgb }: Picture,
  row: number,
  rowWeight: number,
  columns: readonly Span[],
): void {
  for (let x = 0, to = 0; x < columns.length; x++, to += 3) {
    const { first, weights } = columns[x]!;
    for (let dx = 0, from = (row * width + first) * 3; dx < weights.length; dx++, from += 3) {
      const weight = weights[dx]! * rowWeight;
      line[to]! += rgb[from]! * weight;
      line[to + 1]! += rgb[from + 1]! * weight;
      line[to + 2]! += rgb[from + 2]! * weight;
    }
  }
}

function sumOf({ weights }: Span): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

function spans(length: number, target: number): Span[] {
  const ratio = length / target;
  return Array.from({ length: target }, (_, index) => {
    const begin = index * ratio;
    const end = Math.min(length, begin + ratio);
    const first = Math.min(length - 1, Math.floor(begin + 1e-9));
    const last = Math.max(first, Math.ceil(end - 1e-9) - 1);
    const weights = Array.from(
      { length: last - first + 1 },
      (_, at) => Math.min(end, first + at + 1) - Math.max(begin, first + at),
    );
    return { first, weights };
  });
}

function readPixels(bytes: Uint8Array, y: number, width: number, rgb: Uint8Array): void {
  const end = (y + 1) * width * 3;
  for (let from = y * width * 4, to = y * width * 3; to < end; from += 4, to += 3) {
    rgb[to] = bytes[from + 2]!;
    rgb[to + 1] = bytes[from + 1]!;
    rgb[to + 2] = bytes[from]!;
  }
}

function readShortPixels(bytes: Uint8Array, y: number, width: number, rgb: Uint8Array): void {
  const stride = (width * 2 + 3) & ~3;
  for (let x = 0, to = y * width * 3; x < width; x++, to += 3) {
    const at = y * stride + 2 * x;
    const pixel = bytes[at]! | bytes[at + 1]! << 8;
    rgb[to] = spread(pixel >> 11, 5);
    rgb[to + 1] = spread(pixel >> 5 & 0x3f, 6);
    rgb[to + 2] = spread(pixel & 0x1f, 5);
  }
}

/** The full range of eight bits from fewer, as the X server spreads them itself. */
function spread(value: number, bits: number): number {
  return Math.round(value * 255 / ((1 << bits) - 1));
}
