/**
 * Where a linted file stands in the repository.
 *
 * @module
 */
import { fromFileUrl, isAbsolute, relative } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Path from the repository's root, with `/`. */
export function pathInRepository(filename: string): string {
  const path = filename.startsWith("file:") ? fromFileUrl(filename) : filename;
  return (isAbsolute(path) ? relative(ROOT, path) : path).replaceAll("\\", "/");
}

/** Whether the file is a test or belongs to the tests that cross modules. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts") || path.startsWith("test/");
}
