/**
 * Where children start when nobody says where.
 *
 * @module
 */

/** Directories in order of preference. */
export interface DirectoryChoice {
  /** What the agent is configured with. */
  readonly configured?: string;
  /** The user's home. */
  readonly home: string;
}

/**
 * The first usable of `requested`, the configured directory and the home directory. `requested` is returned as it is, so
 * that a start in it names what is wrong with it.
 */
export async function workingDirectory(choice: DirectoryChoice, requested?: string): Promise<string> {
  if (requested !== undefined && requested !== "") return requested;
  if (choice.configured !== undefined && await isDirectory(choice.configured)) return choice.configured;
  return choice.home;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // Missing or not accessible: the next in order is taken.
    return false;
  }
}
