/**
 * How another process starts this program again.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

/** What decides it. */
export interface SelfFacts {
  /** Whether the program was made by `deno compile`. */
  readonly isCompiled: boolean;
  /** Path of the running executable. */
  readonly executable: string;
  /** URL of the module that was started. */
  readonly mainModule: string;
}

/**
 * The words before a command's name, the first of them a program. Absolute, so that they work in every directory.
 * From source they are `deno run` with all permissions and the module that was started.
 */
export function selfCommand(facts: SelfFacts = processFacts()): readonly [program: string, ...args: string[]] {
  const { isCompiled, executable, mainModule } = facts;
  if (isCompiled) return [executable];
  return [executable, "run", "-A", mainModule.startsWith("file:") ? fromFileUrl(mainModule) : mainModule];
}

function processFacts(): SelfFacts {
  return { isCompiled: Deno.build.standalone, executable: Deno.execPath(), mainModule: Deno.mainModule };
}
