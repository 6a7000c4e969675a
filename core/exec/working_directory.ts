/**
 * Where children start when nobody says where.
 *
 * @module
 */

/** Directories in order of preference. */
export interface DirectoryChoice {
  /** What the agent is configured with. */
  readonly configured?: string;
  /** What a plugin suggested. */
  suggested?: string;
  /** The user's home. */
  readonly home: string;
}

/**
 * The first usable of `requested`, the configured, the suggested and the home directory. `requested` is returned as it is, so
 * that a start in it names what is wrong with it.
 */
export async function workingDirectory(choice: DirectoryChoice, requested?: string): Promise<string> {
  if (requested !== undefined && requested !== "") return requested;
  if (choice.configured !== undefined && await isDirectory(choice.configured)) return choice.configured;
  if (choice.suggested !== undefined && await isDirectory(choice.suggested)) return choice.suggested;
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
