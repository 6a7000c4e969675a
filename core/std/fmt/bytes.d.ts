/** A byte count for people: `1.34 kB`, or `1.31 kiB` with `binary`. */
export declare function format(bytes: number, options?: { binary?: boolean; maximumFractionDigits?: number }): string;
