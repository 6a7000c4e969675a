/**
 * Pictures of a screen, as pixels or already encoded.
 *
 * @module
 */

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
 * Reads what an X server answers.
 *
 * @param bytes Four bytes per pixel at depth 24 (blue, green, red, unused), two at depth 16 (5, 6 and 5 bits), rows padded to
 * four bytes.
 */
export function pictureOf(bytes: Uint8Array, size: Size, depth: number): Picture {
  const rgb = new Uint8Array(size.width * size.height * 3);
  if (depth === 16) readShortPixels(bytes, size, rgb);
  else {
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = bytes[from + 2]!;
      rgb[to + 1] = bytes[from + 1]!;
      rgb[to + 2] = bytes[from]!;
    }
  }
  return { kind: "pixels", ...size, rgb };
}

/** Brings a picture to another size. Each new pixel is the average of what it covers, so that small text stays readable. */
export function resized(picture: Picture, target: Size): Picture {
  const { width, height } = picture;
  if (width === target.width && height === target.height) return picture;
  const columns = spans(width, target.width);
  const rows = spans(height, target.height);
  const rgb = new Uint8Array(target.width * target.height * 3);
  const line = new Float64Array(target.width * 3);
  for (let y = 0; y < target.height; y++) {
    line.fill(0);
    const total = averageInto(line, picture, columns, rows[y]!);
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

function averageInto(line: Float64Array, { width, rgb }: Picture, columns: readonly Span[], row: Span): number {
  let total = 0;
  for (const [dy, rowWeight] of row.weights.entries()) {
    const start = (row.first + dy) * width;
    for (let x = 0, to = 0; x < columns.length; x++, to += 3) {
      const { first, weights } = columns[x]!;
      let from = (start + first) * 3;
      for (let dx = 0; dx < weights.length; dx++, from += 3) {
        const weight = weights[dx]! * rowWeight;
        line[to]! += rgb[from]! * weight;
        line[to + 1]! += rgb[from + 1]! * weight;
        line[to + 2]! += rgb[from + 2]! * weight;
      }
    }
    total += rowWeight;
  }
  return total * columns[0]!.weights.reduce((sum, weight) => sum + weight, 0);
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

function readShortPixels(bytes: Uint8Array, { width, height }: Size, rgb: Uint8Array): void {
  const stride = (width * 2 + 3) & ~3;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const at = y * stride + 2 * x;
      const pixel = bytes[at]! | bytes[at + 1]! << 8;
      rgb[to] = spread(pixel >> 11, 5);
      rgb[to + 1] = spread(pixel >> 5 & 0x3f, 6);
      rgb[to + 2] = spread(pixel & 0x1f, 5);
    }
  }
}

/** The full range of eight bits from fewer, as the X server spreads them itself. */
function spread(value: number, bits: number): number {
  return Math.round(value * 255 / ((1 << bits) - 1));
}
