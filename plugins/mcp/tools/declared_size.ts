/**
 * The size of the screen that a model is told.
 *
 * @module
 */

/** Width and height in pixels. */
export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

/** Longest side, and most pixels, that models see without their provider making the picture smaller. */
const LIMITS = { side: 1568, pixels: 1_150_000 } as const;
/** Widths that models know best, tried first for a screen that is wider than high. */
const KNOWN_WIDTHS = [1280, 1024];

/** The screen's own size where a model sees it whole, else a smaller one of the same shape. */
export function declaredSize(screen: DisplaySize): DisplaySize {
  if (fits(screen)) return screen;
  if (screen.width > screen.height) {
    for (const width of KNOWN_WIDTHS) {
      const size = { width, height: side(screen.height * width / screen.width) };
      if (width < screen.width && fits(size)) return size;
    }
  }
  const factor = Math.min(
    LIMITS.side / Math.max(screen.width, screen.height),
    Math.sqrt(LIMITS.pixels / (screen.width * screen.height)),
  );
  return { width: side(screen.width * factor), height: side(screen.height * factor) };
}

function fits({ width, height }: DisplaySize): boolean {
  return Math.max(width, height) <= LIMITS.side && width * height <= LIMITS.pixels;
}

function side(length: number): number {
  return Math.max(1, Math.floor(length));
}
