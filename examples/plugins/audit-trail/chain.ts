/**
 * The chain: what a record is, and how a set of files is checked. Pure but for reading.
 *
 * @module
 */

/** One line of a file. */
export interface AuditRecord {
  /** Counts from 1 through all files. */
  readonly seq: number;
  /** RFC 3339 time. */
  readonly at: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Hash of the record before; zeros before the first one. */
  readonly prev: string;
  /** SHA-256 over all of the above, in hexadecimal. */
  readonly hash: string;
}

/** What stands before the first record. */
export const GENESIS = "0".repeat(64);

/** Makes a record that follows `before`. */
export async function chained(
  before: Pick<AuditRecord, "seq" | "hash"> | undefined,
  { at, kind, data }: Pick<AuditRecord, "at" | "kind" | "data">,
): Promise<AuditRecord> {
  const record = { seq: (before?.seq ?? 0) + 1, at, kind, data, prev: before?.hash ?? GENESIS };
  return { ...record, hash: await hashOf(record) };
}

async function hashOf({ seq, at, kind, data, prev }: Omit<AuditRecord, "hash">): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([seq, at, kind, data, prev]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Names of a trail's files, the oldest first. */
export async function trailFiles(directory: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(directory)) if (isFile && FILE.test(name)) names.push(name);
  return names.sort();
}
const FILE = /^audit-\d{8}\.jsonl$/;

/** Name of the file with this number. */
export function fileName(number: number): string {
  return `audit-${String(number).padStart(8, "0")}.jsonl`;
}

/** What a check found. */
export interface TrailCheck {
  readonly files: number;
  readonly records: number;
  /** The latest record; absent when there is none. */
  readonly head?: AuditRecord;
  /** Number of the first record that is there; above 1 when older files were removed. */
  readonly first?: number;
  /** Where the chain breaks first. */
  readonly broken?: { readonly file: string; readonly line: number; readonly why: string };
  /** Hashes that were asked for and that no record has: it is another chain. */
  readonly missing: readonly string[];
}

/** Follows the chain through all files. `hashes` are what was kept elsewhere of its records. */
export async function checkTrail(directory: string, hashes: readonly string[] = []): Promise<TrailCheck> {
  const files = await trailFiles(directory);
  const missing = new Set(hashes);
  let head: AuditRecord | undefined;
  let first: number | undefined;
  let records = 0;
  for (const file of files) {
    const lines = (await Deno.readTextFile(`${directory}/${file}`)).split("\n");
    for (const [index, line] of lines.entries()) {
      if (line === "" && index === lines.length - 1) break;
      const why = await fault(line, head);
      if (why !== undefined) {
        return {
          files: files.length,
          records,
          head,
          first,
          broken: { file, line: index + 1, why },
          missing: [...missing],
        };
      }
      head = JSON.parse(line) as AuditRecord;
      first ??= head.seq;
      missing.delete(head.hash);
      records++;
    }
  }
  return { files: files.length, records, head, first, missing: [...missing] };
}

async function fault(line: string, before: AuditRecord | undefined): Promise<string | undefined> {
  let record: AuditRecord;
  try {
    record = JSON.parse(line);
  } catch {
    return "it is no JSON: cut off, or overwritten";
  }
  if (before !== undefined && record.seq !== before.seq + 1) {
    return `record ${before.seq + 1} is missing: this one is ${record.seq}`;
  }
  if (before !== undefined && record.prev !== before.hash) return "it does not follow the record before";
  return await hashOf(record) === record.hash ? undefined : "its content is not what was hashed";
}
