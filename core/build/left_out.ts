/**
 * What is kept out of a binary, since `deno compile` cannot get past it.
 *
 * @module
 */
import type { Runner } from "./runner.ts";

/**
 * Lists of numbers, one a line and 100,000 lines, in files without an extension. Deno takes them for one long sum, and
 * overflows its stack; that of 2.9 cannot be made larger. They are a package's own tests, which no program reads.
 */
const TAKEN_FOR_PROGRAMS = [{ package: "bintrees", path: "test" }];

const ISSUE = "https://github.com/denoland/deno/issues/36746";

/** What to do when `output`, of the compiler, says that it overflowed its stack all the same. */
export function overflowHint(output: string): string | undefined {
  if (!output.includes("has overflowed its stack")) return undefined;
  return `Deno takes large files without an extension for programs (${ISSUE}): look for one in the npm packages that the ` +
    "plugins use, and use another version or another package";
}

/** The program whose packages are looked through. */
export interface PackagedProgram {
  /** Absolute path of its entry. */
  readonly entry: string;
  /** Such as `--config FILE`. */
  readonly settings: readonly string[];
}

/** Absolute paths of what to leave out. @throws {BuildStepError} If the packages cannot be told. */
export async function leftOut(deno: Runner, { entry, settings }: PackagedProgram): Promise<readonly string[]> {
  const { npmPackages = {} } = JSON.parse(await deno(["info", "--json", ...settings, entry])) as PackageGraph;
  return Object.values(npmPackages).flatMap(({ name, localPath }) =>
    TAKEN_FOR_PROGRAMS.filter((each) => each.package === name && localPath !== undefined)
      .map(({ path }) => `${localPath}/${path}`)
  );
}

/** The part of `deno info --json` that is read. */
interface PackageGraph {
  readonly npmPackages?: Readonly<Record<string, { readonly name: string; readonly localPath?: string }>>;
}
