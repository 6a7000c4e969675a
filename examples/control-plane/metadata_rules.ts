/**
 * How much metadata an agent may report.
 *
 * @module
 */
import type { Metadata } from "../../core/proto/gen/agent_pb.ts";
import type { MetadataValue } from "./store.ts";

/** Longest value, and longest error, in bytes. */
const MAX_VALUE_BYTES = 2048;
/** All keys of one report together, in bytes. */
const MAX_KEY_BYTES = 6144;

/** A report, cut to its limits. */
export interface CheckedMetadata {
  readonly values: ReadonlyMap<string, MetadataValue>;
  /** Why some keys were left out, when they were. */
  readonly problem?: string;
}

/** Trims and shortens what was reported. `collectedAt` is the control plane's clock: those of agents differ. */
export function checkMetadata(report: readonly Metadata[], collectedAt: string): CheckedMetadata {
  const values = new Map<string, MetadataValue>();
  const total = report.reduce((bytes, { key }) => bytes + byteLength(key), 0);
  let used = 0;
  for (const { key, result } of report) {
    used += byteLength(key);
    if (used > MAX_KEY_BYTES) break;
    values.set(key, { ...shorten(result?.value.trim() ?? "", result?.error.trim() ?? ""), collectedAt });
  }
  if (total <= MAX_KEY_BYTES) return { values };
  return { values, problem: `metadata keys of ${total} bytes exceed the maximum of ${MAX_KEY_BYTES}` };
}

function shorten(value: string, error: string): { readonly value: string; readonly error: string } {
  const valueBytes = byteLength(value);
  if (valueBytes > MAX_VALUE_BYTES) {
    return { value: cut(value), error: `value of ${valueBytes} bytes exceeds the maximum of ${MAX_VALUE_BYTES}` };
  }
  const errorBytes = byteLength(error);
  if (errorBytes <= MAX_VALUE_BYTES) return { value, error };
  return { value, error: `error of ${errorBytes} bytes exceeds the maximum of ${MAX_VALUE_BYTES}` };
}

/** As many whole characters as fit. */
function cut(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_VALUE_BYTES));
  return text.slice(0, read);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
