/**
 * Carries indentation from the style of a caller to the style of a file.
 *
 * @module
 */
import type { LineParts } from "./line_parts.ts";

/** One step of indentation: a TAB, or some spaces. */
export type IndentUnit = string;

/**
 * The step by which lines are indented: a TAB when all indented lines start with TABs alone, otherwise the greatest common
 * divisor of the numbers of spaces.
 *
 * @returns `undefined` when no line is indented or when TABs and spaces are mixed.
 */
export function indentUnitOf(lines: readonly LineParts[]): IndentUnit | undefined {
  let spaces = 0;
  let tabs = false;
  for (const { lead, body } of lines) {
    if (body === "" || lead === "") continue;
    if (!lead.includes(" ")) tabs = true;
    else if (!lead.includes("\t")) spaces = greatestCommonDivisor(spaces, lead.length);
    else return undefined;
  }
  if (tabs) return spaces === 0 ? "\t" : undefined;
  return spaces === 0 ? undefined : " ".repeat(spaces);
}

/** Whether any line with content is indented. */
export function isIndented(lines: readonly LineParts[]): boolean {
  return lines.some(({ lead, body }) => body !== "" && lead !== "");
}

/** A line of the caller whose place in the file is known, and the lead it has there. */
export interface IndentReference {
  readonly callerLead: string;
  readonly fileLead: string;
}

/**
 * The lead of a new line: as many levels deeper or shallower than the reference as the caller made it, in the file's units.
 * When a unit is unknown, or a lead is no whole number of units, the reference line's lead in the file.
 */
export function translateLead(
  lead: string,
  reference: IndentReference,
  units: { readonly caller?: IndentUnit; readonly file?: IndentUnit },
): string {
  if (lead === reference.callerLead || units.caller === undefined || units.file === undefined) {
    return reference.fileLead;
  }
  const level = levelOf(lead, units.caller);
  const callerLevel = levelOf(reference.callerLead, units.caller);
  const fileLevel = levelOf(reference.fileLead, units.file);
  if (level === undefined || callerLevel === undefined || fileLevel === undefined) return reference.fileLead;
  return units.file.repeat(Math.max(0, fileLevel + level - callerLevel));
}

function levelOf(lead: string, unit: IndentUnit): number | undefined {
  const level = lead.length / unit.length;
  return Number.isInteger(level) && lead === unit.repeat(level) ? level : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
