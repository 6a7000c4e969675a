/** A duration in milliseconds for people: `1m 3s`. */
export declare function format(
  ms: number,
  options?: { style?: "narrow" | "full" | "digital"; ignoreZero?: boolean },
): string;
