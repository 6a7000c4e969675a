/** What a flag may be told to do. */
export interface ParseOptions {
  boolean?: boolean | string | readonly string[];
  string?: string | readonly string[];
  collect?: string | readonly string[];
  negatable?: string | readonly string[];
  alias?: Readonly<Record<string, string | readonly string[]>>;
  default?: Readonly<Record<string, unknown>>;
  /** Stops at the first word that is not a flag. */
  stopEarly?: boolean;
  /** Puts what follows `--` into the member `"--"`. */
  "--"?: boolean;
  /** Called for each unknown word; `false` leaves it out of the result. */
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}
/** The words that are not flags, and each flag by its name. */
export interface ParsedArgs {
  _: (string | number)[];
  "--"?: string[];
  [flag: string]: unknown;
}
export declare function parseArgs(args: readonly string[], options?: ParseOptions): ParsedArgs;
