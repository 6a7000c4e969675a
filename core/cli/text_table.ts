/**
 * Text in columns.
 *
 * @module
 */

/** Rows with their columns aligned, two spaces apart, each ended by a newline. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => widths[index] = Math.max(cell.length, widths[index] ?? 0));
  }
  return rows.map((row) => `${row.map((cell, index) => cell.padEnd(widths[index]!)).join("  ").trimEnd()}\n`).join("");
}
