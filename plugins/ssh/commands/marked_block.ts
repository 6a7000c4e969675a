/**
 * Blocks of lines that we own in a file that is somebody else's.
 *
 * @module
 */

/** A file's text and the name of a block in it. */
export interface BlockPlace {
  readonly text: string;
  /** Without line breaks. */
  readonly name: string;
}

/** What a block becomes. */
export interface BlockChange {
  /** The whole text afterwards. */
  readonly text: string;
  /** Lines that go, and lines that come. Both are empty when nothing changes. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/**
 * Puts lines into the block, or takes it out (no lines). Nothing else of the text changes. A new block stands at the end.
 *
 * @throws {SyntaxError} When the block that is there has no end.
 */
export function changeBlock({ text, name }: BlockPlace, lines: readonly string[]): BlockChange {
  const [first, last] = [`# >>> outpost ${name}`, `# <<< outpost ${name}`];
  const all = (text === "" || text.endsWith("\n") ? text : `${text}\n`).split("\n");
  const from = all.indexOf(first);
  const to = all.indexOf(last, from + 1);
  if (from >= 0 && to < 0) {
    throw new SyntaxError(`the block of "${name}" begins in line ${from + 1} and "${last}" does not follow; mend it`);
  }
  const block = lines.length === 0 ? [] : [first, ...lines, last];
  const present = from < 0 ? [] : all.slice(from, to + 1);
  if (present.join("\n") === block.join("\n")) return { text, removed: [], added: [] };
  // A new one goes in front of the nothing behind the last line's end.
  all.splice(from < 0 ? all.length - 1 : from, present.length, ...block);
  return { text: all.join("\n"), removed: present, added: block };
}
