/**
 * Finding the program that a command names, before it is started through another one.
 *
 * @module
 */
import { isAbsolute, join } from "@std/path";

import { SpawnError } from "../errors.ts";

/** Where to look. */
export interface ProgramPlace {
  /** The child's `PATH`. */
  readonly path: string;
  /** The child's working directory; a name with a slash is relative to it. */
  readonly cwd: string;
}

/** Any of the three execute bits. Whether it is the right one only the kernel knows. */
const EXECUTE_BITS = 0o111;

/**
 * The absolute path of `program`, looked up as execvp(3) does.
 *
 * @throws {SpawnError} When there is no such program, or it is no executable file.
 */
export function resolveProgram(program: string, place: ProgramPlace): string {
  if (program.includes("/")) {
    const path = isAbsolute(program) ? program : join(place.cwd, program);
    const fault = faultOf(path);
    if (fault !== undefined) throw new SpawnError(`Cannot start "${program}": it ${fault}`, program, place.cwd);
    return path;
  }
  const path = findInPath(program, place.path);
  if (path === undefined) {
    throw new SpawnError(`Cannot start "${program}": no such program in PATH`, program, place.cwd);
  }
  return path;
}

/** The first executable file called `program` in the absolute directories of `path`. */
export function findInPath(program: string, path: string): string | undefined {
  if (program === "") return undefined;
  return path.split(":").filter(isAbsolute).map((directory) => join(directory, program)).find((candidate) =>
    faultOf(candidate) === undefined
  );
}

/** Whether `path` leads to an executable file. */
export function isProgram(path: string): boolean {
  return faultOf(path) === undefined;
}

function faultOf(path: string): string | undefined {
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (!isFile) return "is no file";
    return mode !== null && (mode & EXECUTE_BITS) === 0 ? "is not executable" : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return "is not accessible";
    return "does not exist";
  }
}
