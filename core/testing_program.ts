/**
 * Programs that tests write and run.
 *
 * @module
 */

/**
 * Writes a program, in UTF-8, that its owner and all others may run at once. A file that somebody holds open for writing cannot
 * be run ("text file busy"), and a child that a test in another thread starts in that moment holds it until it becomes its own
 * program. So a process that starts no children writes it.
 */
export async function writeProgram(path: string, text: string): Promise<void> {
  const draft = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(draft, text);
    const { success, stderr } = await new Deno.Command("install", {
      args: ["-m", "755", draft, path],
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(draft);
  }
}
