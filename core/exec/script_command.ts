/**
 * How the text of a script becomes a command.
 *
 * @module
 */

/**
 * The user's shell runs the text, unless its first line names an interpreter.
 *
 * @param shell Absolute path of the user's shell.
 */
export function commandOf(script: string, shell: string): [string, ...string[]] {
  const trimmed = script.trimStart();
  if (!trimmed.startsWith("#!")) return [shell, "-c", script];
  const [program = shell, ...words] = splitWords(
    trimmed.slice(2, (trimmed.indexOf("\n") + 1 || trimmed.length + 1) - 1),
  );
  return [program, ...words, "-c", script];
}

/** Words as a shell splits them; quotes hold words together. */
export function splitWords(line: string): string[] {
  const words = line.matchAll(/(?:[^\s"']+|"(?:[^"\\]|\\.)*"|'[^']*')+/g);
  return [...words].map(([word]) =>
    word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, a, b) => b ?? a.replace(/\\(.)/g, "$1"))
  );
}
