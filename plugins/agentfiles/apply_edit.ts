/**
 * Applies one search and replacement to the text of a file.
 *
 * @module
 */
import { encodeText } from "./byte_text.ts";
import { EditMismatchError } from "./edit_mismatch.ts";
import { dominantEnding, endingName, internalEnding, lineNumberAt, partsOf, splitLines } from "./line_parts.ts";
import { findExact, findLines, type Span, type Tolerance } from "./match_lines.ts";
import { describeNearMiss } from "./near_miss.ts";
import { forcedEndingFor, forceInteriorEndings, type LineEdit, spliceLines } from "./splice_lines.ts";

/** One edit as a caller writes it. */
export interface TextEdit {
  readonly search: string;
  readonly replace: string;
  /** Replaces every match instead of demanding exactly one. Default `false`. */
  readonly replaceAll?: boolean;
}

/** What an edit made of a text. */
export interface EditOutcome {
  /** Byte text. */
  readonly content: string;
  readonly tolerance: Tolerance;
  /** Matches replaced. */
  readonly count: number;
}

/** Line numbers named in an error about several matches. */
const MAX_LINES_NAMED = 10;

/**
 * Replaces the one match of `edit.search` in `content`, a byte text; with `replaceAll` every match.
 *
 * The search is tried byte for byte, then by lines without their trailing blanks, then by lines without indentation. The
 * first that finds anything decides. When search and replacement both have several lines and end them differently, the
 * caller wants to change line endings, and only the first way counts.
 *
 * @throws {EditMismatchError} When the search is empty, matches nothing, or matches more than once without `replaceAll`.
 */
export function applyEdit(content: string, edit: TextEdit): EditOutcome {
  if (edit.search === "") throw new EditMismatchError("empty_search", "search string must not be empty");
  const search = encodeText(edit.search);
  const replacement = splitLines(encodeText(edit.replace)).map(partsOf);
  const searchLines = splitLines(search);
  const parts: Omit<LineEdit, "forcedEnding"> = { search: searchLines.map(partsOf), replacement };
  const wanted = internalEnding(replacement);
  const asked = internalEnding(parts.search);
  const changesEndings = wanted !== "" && asked !== "" && wanted !== asked;
  const forcedEnding = changesEndings ? "" : forcedEndingFor(replacement, () => dominantEnding(content));

  const exact = findExact(content, search);
  if (exact.length > 0) {
    const text = forceInteriorEndings(replacement, forcedEnding);
    return finish(content, exact, edit, "exact", () => text);
  }
  for (const tolerance of changesEndings ? [] : TOLERANT) {
    const spans = findLines(content, searchLines, tolerance);
    if (spans.length === 0) continue;
    return finish(content, spans, edit, tolerance, (span) => spliceLines(content, span, { ...parts, forcedEnding }));
  }
  throw new EditMismatchError(
    "not_found",
    changesEndings
      ? `search string not found in file: search and replace have different line endings (${endingName(asked)} and ` +
        `${endingName(wanted)}), so it must match byte for byte, and the file mostly uses ` +
        `${endingName(dominantEnding(content))}${describeNearMiss(content, searchLines)}`
      : `search string not found in file${describeNearMiss(content, searchLines)}`,
  );
}

const TOLERANT: readonly Exclude<Tolerance, "exact">[] = ["trailing", "indentation"];

function finish(
  content: string,
  spans: readonly Span[],
  edit: TextEdit,
  tolerance: Tolerance,
  replacementFor: (span: Span) => string,
): EditOutcome {
  if (spans.length > 1 && !edit.replaceAll) throw ambiguous(content, spans, tolerance);
  const pieces: string[] = [];
  let done = 0;
  for (const span of spans) {
    pieces.push(content.slice(done, span.start), replacementFor(span));
    done = span.end;
  }
  pieces.push(content.slice(done));
  return { content: pieces.join(""), tolerance, count: spans.length };
}

function ambiguous(content: string, spans: readonly Span[], tolerance: Tolerance): EditMismatchError {
  const lines = spans.slice(0, MAX_LINES_NAMED).map((span) => lineNumberAt(content, span.start)).join(", ");
  const more = spans.length > MAX_LINES_NAMED ? ` and ${spans.length - MAX_LINES_NAMED} more` : "";
  const how = HOW[tolerance];
  return new EditMismatchError(
    "ambiguous",
    `search string matches ${spans.length} occurrences${how} (at lines ${lines}${more}); ` +
      `add surrounding lines until it matches once, or set "replace_all"`,
  );
}

const HOW: Readonly<Record<Tolerance, string>> = {
  exact: "",
  trailing: " when trailing blanks are ignored",
  indentation: " when indentation is ignored",
};
