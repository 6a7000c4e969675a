/** Compares two byte strings of equal length in constant time; different lengths are unequal at once. */
export declare function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike | DataView,
  b: ArrayBufferView | ArrayBufferLike | DataView,
): boolean;
