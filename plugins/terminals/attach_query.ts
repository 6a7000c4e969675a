/**
 * What a viewer asks for, and what it says.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import type { PtySize } from "../../core/plugin.ts";

/** What a viewer asks for. */
export interface AttachQuery {
  /** Lower-case UUID: the same one leads to the same terminal. */
  readonly id: string;
  readonly size: PtySize;
  /** Empty: a login shell. Counts when the terminal is new. */
  readonly command: string;
}

/** What a viewer says: something typed, or its new size. */
export interface ViewerMessage {
  readonly data: string;
  readonly size?: PtySize;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DEFAULT_SIZE: PtySize = { cols: 80, rows: 24 };
/** Sizes of terminals are 16-bit numbers, but the mirror holds every cell in memory. */
const MAX_CELLS = 1000;

/** @param query Looks a parameter up. @throws {HttpProblem} 400 when there is no id, or a number is none. */
export function attachQuery(query: (name: string) => string | undefined): AttachQuery {
  const id = query("id") ?? query("reconnect") ?? "";
  if (!UUID.test(id)) throw new HttpProblem(400, 'Query parameter "id" must be a UUID');
  const cols = query("width") ?? String(DEFAULT_SIZE.cols);
  const rows = query("height") ?? String(DEFAULT_SIZE.rows);
  const size = sizeOf(Number(cols), Number(rows));
  if (size === undefined) {
    throw new HttpProblem(400, `Query parameters "width" and "height" must be from 1 to ${MAX_CELLS}`);
  }
  return { id: id.toLowerCase(), size, command: query("command") ?? "" };
}

/** Reads a message; `undefined` when it is none. A size of zero stands for no change. */
export function viewerMessage(message: string | Uint8Array): ViewerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(typeof message === "string" ? message : new TextDecoder().decode(message));
  } catch {
    return undefined; // no JSON
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { data = "", width, height } = value as Record<string, unknown>;
  if (typeof data !== "string") return undefined;
  const size = sizeOf(Number(width), Number(height));
  return { data, ...(size !== undefined && { size }) };
}

function sizeOf(cols: number, rows: number): PtySize | undefined {
  const isCount = (count: number) => Number.isInteger(count) && count >= 1 && count <= MAX_CELLS;
  return isCount(cols) && isCount(rows) ? { cols, rows } : undefined;
}
