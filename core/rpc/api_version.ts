/**
 * The version of the agent API: who speaks which, and what is accepted.
 *
 * @module
 */
import type { Validation } from "../errors.ts";

/** `<major>.<minor>`, compared by number. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

/** Versions we speak, newest first. */
export const SPOKEN_VERSIONS: readonly ApiVersion[] = Array.from({ length: 11 }, (_, index) => ({
  major: 2,
  minor: 10 - index,
}));

/** What a server says that does not take a version. */
export const VERSION_REFUSED = "Unknown or unsupported API version";

/** The text of a version. */
export function formatVersion({ major, minor }: ApiVersion): string {
  return `${major}.${minor}`;
}

/** @throws {SyntaxError} When the text is not two whole numbers with a point between them. */
export function parseVersion(text: string): ApiVersion {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(text);
  if (match === null) throw new SyntaxError(`Cannot read the version "${text}": expected <major>.<minor>`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

/** Whether `version` has everything that `needed` has. */
export function covers(version: ApiVersion, needed: ApiVersion): boolean {
  return version.major === needed.major && version.minor >= needed.minor;
}

/**
 * For a server: checks what a client asked for. No text means 2.0, as old agents send none.
 *
 * Returns the version to speak, or what is wrong with the request.
 */
export function acceptVersion(requested: string | null, served: ApiVersion): ApiVersion | Validation {
  let version: ApiVersion;
  try {
    version = parseVersion(requested ?? "2.0");
  } catch (error) {
    return { field: "version", detail: (error as Error).message };
  }
  if (version.major !== served.major) {
    return {
      field: "version",
      detail: `Major ${version.major} is not served: this server speaks ${formatVersion(served)}`,
    };
  }
  if (version.minor > served.minor) {
    return {
      field: "version",
      detail: `Minor ${version.minor} is too new: this server speaks ${formatVersion(served)}`,
    };
  }
  return version;
}
