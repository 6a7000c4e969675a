/**
 * Evaluated, it uses up the file descriptors of this process: a module imported after it in the same list is read, and finds
 * none when it is evaluated itself.
 *
 * @module
 */
const held: Deno.FsFile[] = [];
try {
  while (true) held.push(Deno.openSync("/dev/null"));
} catch {
  // That was the last one.
}

/** Gives them back. */
export function giveBack(): void {
  held.splice(0).forEach((file) => file.close());
}
