/**
 * Finds the parts of a Markdown document that a program can check.
 *
 * @module
 */

/** A fenced block, with what the comments directly above it say. */
export interface FencedBlock {
  /** First word behind the fence: `sh`, `ts`, `jsonc` … */
  readonly language: string;
  readonly code: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** Text that the output contains; `…` stands for anything. From `<!-- output: text -->`. */
  readonly output?: string;
  /** Why the block is only for reading. From `<!-- not run: reason -->`. */
  readonly notRun?: string;
  /** File that the block is the content of, relative to the document's folder. From `<!-- file: path -->`. */
  readonly file?: string;
}

const OPENING = /^( {0,3})(`{3,})(\S*).*$/;
const MARKER = /^<!-- (output|not run|file):([^]*?)-->$/;

const MEMBERS: Readonly<Record<string, "output" | "notRun" | "file">> = {
  "output": "output",
  "not run": "notRun",
  "file": "file",
};

/**
 * Reads the fenced blocks of a document in order.
 *
 * @throws {SyntaxError} If a fence is not closed, or a marker is empty or stands above no block.
 */
export function fencedBlocks(markdown: string): FencedBlock[] {
  const lines = markdown.split("\n");
  const blocks: FencedBlock[] = [];
  let markers: { output?: string; notRun?: string; file?: string } = {};
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const opening = OPENING.exec(line);
    if (opening) {
      const [, indent = "", fence = "", language = ""] = opening;
      const end = lines.findIndex((other, i) => i > at && other.trim() === fence);
      if (end < 0) throw new SyntaxError(`Cannot find the end of the block that opens in line ${at + 1}`);
      const code = lines.slice(at + 1, end).map((text) => text.startsWith(indent) ? text.slice(indent.length) : text);
      blocks.push({ language, code: code.join("\n"), line: at + 1, ...markers });
      markers = {};
      at = end;
    } else if (line.startsWith("<!-- ")) {
      const end = lines.findIndex((other, i) => i >= at && other.trimEnd().endsWith("-->"));
      const marker = MARKER.exec(lines.slice(at, (end < 0 ? at : end) + 1).join("\n").trim());
      if (!marker) continue;
      const text = marker[2]!.trim();
      if (text === "") throw new SyntaxError(`Cannot use the marker in line ${at + 1}: it says nothing`);
      markers = { ...markers, [MEMBERS[marker[1]!]!]: text };
      at = end;
    } else if (line.trim() !== "" && Object.keys(markers).length > 0) {
      throw new SyntaxError(`Cannot use the marker above line ${at + 1}: no block follows it`);
    }
  }
  return blocks;
}

/** Whether `output` contains `expected`, in which `…` stands for any text. White space at line ends does not count. */
export function containsOutput(output: string, expected: string): boolean {
  const pattern = tidy(expected).split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("[^]*?");
  return new RegExp(pattern).test(tidy(output));
}

function tidy(text: string): string {
  return text.replace(/[^\S\n]+$/gm, "").trim();
}
