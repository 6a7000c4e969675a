/**
 * Builds what takes the place of matched lines, so that the file keeps its own style wherever the caller did not ask for a
 * change.
 *
 * Lines of the replacement that equal lines of the search text at its start or end are context. What lies between is paired
 * in order: the first changed line of the replacement rewrites the first changed line of the search text, and so on; lines
 * left over are inserted. For a pair, indentation, trailing blanks and ending are decided one by one: where search text and
 * replacement agree, the file's bytes stay; where they differ, the replacement's bytes win.
 *
 * @module
 */
import { type IndentReference, indentUnitOf, isIndented, translateLead } from "./indentation.ts";
import {
  type Ending,
  internalEnding,
  joinParts,
  lineEnd,
  type LineParts,
  lineStart,
  partsOf,
  splitLines,
} from "./line_parts.ts";
import { type Span, trimText } from "./match_lines.ts";

/** A search and its replacement, taken apart once and used for every match. */
export interface LineEdit {
  readonly search: readonly LineParts[];
  readonly replacement: readonly LineParts[];
  /** Ending for the lines a replacement of several lines brings along; empty: as the replacement has it. */
  readonly forcedEnding: Ending;
}

/** Lines looked at on each side of a match to learn how the file indents. */
const NEIGHBOUR_LINES = 100;

/** The text to put in place of `span`. */
export function spliceLines(content: string, span: Span, edit: LineEdit): string {
  const { search, replacement } = edit;
  const file = splitLines(content.slice(span.start, span.end)).map(partsOf);
  const places = alignLines(search, replacement);
  const endsFile = span.end === content.length;
  const emitted: LineParts[] = [];
  for (const [index, line] of replacement.entries()) {
    const partner = places[index];
    const old = partner === undefined ? undefined : file[partner];
    const asked = partner === undefined ? undefined : search[partner];
    const ending = index < replacement.length - 1
      ? interiorEnding(line, asked, old, edit.forcedEnding)
      : lastEnding(line, asked, old, { edit, file, endsFile });
    emitted.push({ ...rewriteLine(line, asked, old), ending });
  }
  indentInserted(emitted, { content, span, edit, places });
  return emitted.map(joinParts).join("");
}

/** Gives every line but the last the forced ending, for a replacement that is put in byte for byte. */
export function forceInteriorEndings(replacement: readonly LineParts[], forced: Ending): string {
  return replacement.map((line, index) =>
    joinParts(index < replacement.length - 1 && forced !== "" ? { ...line, ending: forced } : line)
  ).join("");
}

/** For each line of the replacement the line of the search text it stands for, `undefined` for an inserted one. */
function alignLines(search: readonly LineParts[], replacement: readonly LineParts[]): (number | undefined)[] {
  const before = search.map(({ body }) => trimText(body));
  const after = replacement.map(({ body }) => trimText(body));
  const shorter = Math.min(before.length, after.length);
  let prefix = 0;
  while (prefix < shorter && before[prefix] === after[prefix]) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && before.at(-1 - suffix) === after.at(-1 - suffix)) suffix++;
  const rewritten = Math.min(before.length, after.length) - suffix;
  return after.map((_, index) => {
    if (index >= after.length - suffix) return index - after.length + before.length;
    return index < rewritten ? index : undefined;
  });
}

/** Lead, body and trail of a line that has a partner in the file; an inserted line is indented later. */
function rewriteLine(line: LineParts, asked: LineParts | undefined, old: LineParts | undefined): LineParts {
  if (line.body === "" || asked === undefined || old === undefined) return line;
  return {
    lead: asked.lead === line.lead ? old.lead : line.lead,
    body: asked.body === line.body ? old.body : line.body,
    trail: asked.trail === line.trail ? old.trail : line.trail,
    ending: line.ending,
  };
}

function interiorEnding(
  line: LineParts,
  asked: LineParts | undefined,
  old: LineParts | undefined,
  forced: Ending,
): Ending {
  const agree = asked !== undefined && (asked.ending === line.ending || asked.ending === "");
  if (agree && old !== undefined && old.ending !== "") return old.ending;
  return forced || line.ending;
}

function lastEnding(
  line: LineParts,
  asked: LineParts | undefined,
  old: LineParts | undefined,
  place: { readonly edit: LineEdit; readonly file: readonly LineParts[]; readonly endsFile: boolean },
): Ending {
  const fileEnding = place.file.at(-1)?.ending ?? "";
  if (fileEnding === "" && place.endsFile) return "";
  // The match ran into the empty line behind a final LF: nothing may be added there.
  if (place.edit.search.length > place.file.length && joinParts({ ...line, ending: "" }) === "") return "";
  const explicit = asked !== undefined && asked.ending !== "" && line.ending !== "" && asked.ending !== line.ending;
  if (explicit) return line.ending;
  if (old !== undefined && old.ending !== "") return old.ending;
  return place.edit.forcedEnding || fileEnding;
}

/** Indents the lines without a partner as deep, relative to a line whose place is known, as the caller did. */
function indentInserted(
  emitted: LineParts[],
  place: {
    readonly content: string;
    readonly span: Span;
    readonly edit: LineEdit;
    readonly places: readonly (number | undefined)[];
  },
): void {
  const { edit: { search, replacement }, places } = place;
  const first = places.indexOf(undefined);
  if (first === -1) return;
  const after = places.lastIndexOf(undefined) + 1;
  const units = {
    caller: indentUnitOf([...search, ...replacement]),
    file: fileIndentUnit(place.content, place.span),
  };
  units.file ??= units.caller !== undefined && !isIndented(nearbyLines(place.content, place.span))
    ? units.caller
    : undefined;
  const referenceAt = (index: number): IndentReference | undefined => {
    const caller = replacement[index];
    const file = emitted[index];
    return caller && file && caller.body !== "" ? { callerLead: caller.lead, fileLead: file.lead } : undefined;
  };
  const above = referenceAt(first - 1);
  const below = after < replacement.length ? referenceAt(after) : undefined;
  for (let index = first; index < after; index++) {
    const line = replacement[index] as LineParts;
    if (line.body === "") continue;
    const reference = [below, above].find((one) => one?.callerLead === line.lead) ?? below ?? above;
    if (reference !== undefined) {
      emitted[index] = { ...emitted[index] as LineParts, lead: translateLead(line.lead, reference, units) };
    }
  }
}

/** How the file indents around the match; the match alone when its surroundings tell nothing. */
function fileIndentUnit(content: string, span: Span): string | undefined {
  const around = indentUnitOf(nearbyLines(content, span));
  if (around !== undefined && around !== " ") return around;
  return indentUnitOf(splitLines(content.slice(span.start, span.end)).map(partsOf)) ?? around;
}

function nearbyLines(content: string, span: Span): LineParts[] {
  let start = span.start;
  for (let back = 0; back < NEIGHBOUR_LINES && start > 0; back++) start = lineStart(content, start - 1);
  let end = span.end;
  for (let on = 0; on < NEIGHBOUR_LINES && end < content.length; on++) end = lineEnd(content, end);
  // A line of a block comment starts with an asterisk, one column off the grid.
  return splitLines(content.slice(start, end)).map(partsOf).filter(({ body }) => !body.startsWith("*"));
}

/** The forced ending of an edit: what the file mostly uses, when the replacement has an ending of its own to rewrite. */
export function forcedEndingFor(replacement: readonly LineParts[], dominant: () => Ending): Ending {
  return internalEnding(replacement) === "" ? "" : dominant();
}
