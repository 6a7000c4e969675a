/**
 * Text in columns.
 *
 * @module
 */

/** Rows with their columns aligned, two spaces apart, each ended by a newline. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(cell.length, widest[index] ?? 0)),
    [],
  );
  return rows.map((row) => `${row.map((cell, index) => cell.padEnd(widths[index]!)).join("  ").trimEnd()}\n`).join("");
}
