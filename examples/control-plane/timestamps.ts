/**
 * Protobuf timestamps as text: always nine digits of a second, so that texts sort as the times do.
 *
 * @module
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** What a Go program sends for "no time": the start of the year 1. */
const GO_ZERO_SECONDS = -62_135_596_800n;
/** Seconds a `Date` can hold, either way. */
const MAX_DATE_SECONDS = 8_640_000_000_000n;

/** Whether a time was given: there, and neither of the zeros senders use for "none". */
export function isGiven(time: Timestamp | undefined): time is Timestamp {
  if (time === undefined) return false;
  return !(time.nanos === 0 && (time.seconds === 0n || time.seconds === GO_ZERO_SECONDS));
}

/** RFC 3339 in UTC; a missing or impossible time becomes `nowMs`. */
export function timeText(time: Timestamp | undefined, nowMs: number): string {
  const isValid = isGiven(time) && time.nanos >= 0 && time.nanos < 1e9 &&
    time.seconds < MAX_DATE_SECONDS && time.seconds > -MAX_DATE_SECONDS;
  if (!isValid) return nowText(nowMs);
  return `${wholeSeconds(Number(time.seconds) * 1000)}.${String(time.nanos).padStart(9, "0")}Z`;
}

/** The same for the control plane's clock. */
export function nowText(nowMs: number): string {
  return `${wholeSeconds(nowMs)}.${String(Math.floor(nowMs) % 1000).padStart(3, "0")}000000Z`;
}

/** Milliseconds since the epoch. */
export function millisecondsOf(text: string): number {
  return Date.parse(text);
}

/** Nanoseconds since the epoch, for comparing. */
export function nanosecondsOf({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "");
}
