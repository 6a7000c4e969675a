/**
 * What benchmarks print, as a table.
 *
 * @module
 */

/** One figure. A benchmark prints each as one line of JSON. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done by bare Deno in the same run, in the same unit. */
  readonly floor?: number;
  /** `value / floor`, unless the benchmark says otherwise. */
  readonly ratio?: number;
  readonly note?: string;
}

/** Reads the figures out of a benchmark's output; other lines are left alone. */
export function readFigures(output: string): Figure[] {
  return output.split("\n").filter((line) => line.startsWith("{")).map((line) => {
    const figure = JSON.parse(line) as Figure;
    if (typeof figure.name !== "string" || !Number.isFinite(figure.value) || typeof figure.unit !== "string") {
      throw new SyntaxError(`Cannot read the figure ${line}: expected name, value and unit`);
    }
    return figure.floor && figure.ratio === undefined ? { ...figure, ratio: figure.value / figure.floor } : figure;
  });
}

/** The figures as a Markdown table. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((
    { name, value, unit, floor, ratio, note },
  ) => [
    name,
    `${rounded(value)} ${unit}`,
    floor === undefined ? "" : `${rounded(floor)} ${unit}`,
    rounded(ratio),
    note ?? "",
  ]);
  return [["What", "Measured", "Floor", "Ratio", "Note"], Array(5).fill("---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const START = "<!-- figures: start -->";
const END = "<!-- figures: end -->";

/** Puts `text` between the markers of a document. @throws {SyntaxError} If the markers are missing. */
export function withFigures(document: string, text: string): string {
  const [start, end] = [document.indexOf(START), document.indexOf(END)];
  if (start < 0 || end < start) throw new SyntaxError(`Cannot write the figures: expected "${START}" and "${END}"`);
  return `${document.slice(0, start + START.length)}\n\n${text}\n\n${document.slice(end)}`;
}

/** Three significant digits: more would promise what a shared machine cannot repeat. */
function rounded(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(3)));
}
