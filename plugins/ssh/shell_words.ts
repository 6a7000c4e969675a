/**
 * Splitting a line into words as a shell does, without expanding anything.
 *
 * @module
 */

/**
 * The words of `line`: blanks separate, quotes and backslashes keep together. An open quote ends with the line, so that there
 * is always an answer.
 */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at++) {
    const letter = line.charAt(at);
    if (quote === undefined && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === undefined && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= "";
    } else if (letter === quote) {
      quote = undefined;
    } else if (letter === "\\" && quote !== "'" && at + 1 < line.length) {
      const next = line.charAt(++at);
      // Between double quotes a backslash stands for itself, but before these.
      word = (word ?? "") + (quote === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next);
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
