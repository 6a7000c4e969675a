/**
 * Directories for a while.
 *
 * @module
 */
import { messageOf } from "./errors.ts";

/** A directory of mode 0700 below the system's directory for temporary files. Disposing removes it with everything in it. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/** Where to go when the system's place, which `TMPDIR` names, is missing or cannot be written. Everybody may write here, too. */
const OTHER_PLACES: readonly string[] = ["/var/tmp", "/dev/shm"];

/**
 * Makes a directory. Its removal fails for nothing that is gone already: other programs tidy up there too.
 *
 * @param prefix What its name begins with.
 * @param others Where to go when the system's place is of no use. Default: what Unix systems have.
 * @throws {Error} What the file system says of the system's place, when none is of any use.
 */
export async function openTemporaryDirectory(
  prefix: string,
  others: readonly string[] = OTHER_PLACES,
): Promise<TemporaryDirectory> {
  const path = await makeDirectory(prefix, others);
  return {
    path,
    async [Symbol.asyncDispose]() {
      try {
        await Deno.remove(path, { recursive: true });
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

/**
 * A place for what has to be found again under one name: `wanted`, or else the first of the other places that can be written; `wanted`
 * again when none can.
 */
export function temporaryPlace(wanted: string, others: readonly string[] = OTHER_PLACES): string {
  return [wanted, ...others].find(isWritable) ?? wanted;
}

function isWritable(dir: string): boolean {
  try {
    Deno.removeSync(Deno.makeTempDirSync({ dir, prefix: "outpost-" }));
    return true;
  } catch {
    return false; // The next may do.
  }
}

async function makeDirectory(prefix: string, others: readonly string[]): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix });
  } catch (error) {
    for (const dir of others) {
      const path = await Deno.makeTempDir({ dir, prefix }).catch(() => undefined); // The first error is the one that people can mend.
      if (path !== undefined) return path;
    }
    const places = ["TMPDIR (/tmp when it is not set)", ...others].join(", ");
    throw new Error(
      `Cannot make a temporary directory: ${
        messageOf(error)
      }; tried ${places}; set TMPDIR to a directory that can be written`,
      { cause: error },
    );
  }
}
