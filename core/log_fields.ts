/**
 * What stands in a log line beside its message.
 *
 * @module
 */

/** What a log field may hold: typed, so that an object that prints as noise, or a secret, is a compile error. */
export type LogValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | Error
  | readonly LogValue[]
  | { readonly [key: string]: LogValue };
/** Fields of one log line. */
export type LogFields = Readonly<Record<string, LogValue>>;
