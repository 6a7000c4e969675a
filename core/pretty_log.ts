/**
 * The log as people read it.
 *
 * @module
 */
import { getAnsiColorFormatter, getTextFormatter, type TextFormatter } from "@logtape/logtape";

/** Makes lines for people: in colour on a terminal, with the whole date elsewhere. */
export function prettyFormatter(target: { isTerminal?(): boolean }): TextFormatter {
  return withFields(
    target.isTerminal?.()
      ? getAnsiColorFormatter({ timestamp: "time", category: "." })
      : getTextFormatter({ timestamp: "rfc3339", category: "." }),
  );
}

/** Appends `key=value` pairs, which the text formatters leave out. */
function withFields(formatter: TextFormatter): TextFormatter {
  return (record) => {
    const pairs = Object.entries(record.properties).map(([key, value]) => `${key}=${showValue(value)}`);
    const line = formatter(record);
    return pairs.length === 0 ? line : `${line.trimEnd()} ${pairs.join(" ")}\n`;
  };
}

function showValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  return typeof value === "string" && /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
