/**
 * Directories for a while.
 *
 * @module
 */

/** A directory of mode 0700 below the system's directory for temporary files. Disposing removes it with everything in it. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/**
 * Makes a directory. Its removal fails for nothing that is gone already: other programs tidy up there too.
 *
 * @param prefix What its name begins with.
 * @throws {Error} What the file system says.
 */
export async function openTemporaryDirectory(prefix: string): Promise<TemporaryDirectory> {
  const path = await Deno.makeTempDir({ prefix });
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
