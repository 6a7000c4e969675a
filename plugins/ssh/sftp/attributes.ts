/**
 * File attributes on the wire, and one line of a listing.
 *
 * @module
 */
import type { FieldReader, FieldWriter } from "../wire_fields.ts";

const SIZE = 0x1;
const OWNER = 0x2;
const PERMISSIONS = 0x4;
const TIMES = 0x8;
const EXTENDED = 0x80000000;

/** stat(2): kinds of files in a mode. */
const KIND_BITS = { directory: 0o040000, file: 0o100000, link: 0o120000 } as const;
/** Letters of `ls -l` by the upper bits of a mode. */
const KIND_LETTERS: Readonly<Record<number, string>> = {
  0o01: "p",
  0o02: "c",
  0o04: "d",
  0o06: "b",
  0o10: "-",
  0o12: "l",
  0o14: "s",
};
/** A date this far from now shows its year instead of its time, in milliseconds: half a year, as ls(1) does. */
const RECENT_MS = 182 * 24 * 60 * 60 * 1000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Attributes a client wants set; what is absent stays. */
export interface AttributeChange {
  readonly size?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Permission bits without the kind of file. */
  readonly mode?: number;
  /** Seconds since the epoch. */
  readonly times?: { readonly access: number; readonly modification: number };
}

/** Reads attributes. */
export function readAttributes(reader: FieldReader): AttributeChange {
  const flags = reader.uint32();
  const change = {
    ...(flags & SIZE && { size: reader.uint64() }),
    ...(flags & OWNER && { owner: { uid: reader.uint32(), gid: reader.uint32() } }),
    ...(flags & PERMISSIONS && { mode: reader.uint32() & 0o7777 }),
    ...(flags & TIMES && { times: { access: reader.uint32(), modification: reader.uint32() } }),
  };
  if (flags & EXTENDED) { for (let count = reader.uint32(); count > 0; count--) reader.bytes(), reader.bytes(); }
  return change;
}

/** Writes what is known of a file. */
export function writeAttributes(writer: FieldWriter, info: Deno.FileInfo): void {
  writer.uint32(SIZE | OWNER | PERMISSIONS | TIMES)
    .uint64(info.size)
    .uint32(info.uid ?? 0)
    .uint32(info.gid ?? 0)
    .uint32(modeOf(info))
    .uint32(seconds(info.atime))
    .uint32(seconds(info.mtime));
}

/** One line as `ls -l` writes it, which clients show as it is. `now`: milliseconds since the epoch. */
export function listingLine(name: string, info: Deno.FileInfo, now: number): string {
  const columns = [
    permissionLetters(modeOf(info)),
    String(info.nlink ?? 1).padStart(4),
    String(info.uid ?? 0).padEnd(8),
    String(info.gid ?? 0).padEnd(8),
    String(info.size).padStart(8),
    dateText(info.mtime ?? new Date(0), now),
    name,
  ];
  return columns.join(" ");
}

function modeOf(info: Deno.FileInfo): number {
  if (info.mode !== null) return info.mode;
  const kind = info.isDirectory ? "directory" : info.isSymlink ? "link" : "file";
  return KIND_BITS[kind] | (info.isDirectory ? 0o755 : 0o644);
}

function permissionLetters(mode: number): string {
  const special = [[0o4000, "s", "S"], [0o2000, "s", "S"], [0o1000, "t", "T"]] as const;
  const groups = special.map(([bit, both, alone], index) => {
    const bits = mode >> (6 - 3 * index) & 7;
    const execute = bits & 1 ? "x" : "-";
    const last = mode & bit ? (bits & 1 ? both : alone) : execute;
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  });
  return `${KIND_LETTERS[mode >> 12] ?? "?"}${groups.join("")}`;
}

function dateText(date: Date, now: number): string {
  const day = `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;
  if (Math.abs(now - date.getTime()) > RECENT_MS) return `${day}  ${date.getFullYear()}`;
  return `${day} ${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

function seconds(date: Date | null): number {
  return Math.floor((date?.getTime() ?? 0) / 1000);
}
