/**
 * Loading packages that are CommonJS.
 *
 * What such a package consists of is read when it is evaluated, by `require()`. If no file can be opened in that moment, the
 * ES module that stands for the package keeps the error for the life of the process, and so does each later `import()`
 * (seen with Deno 2.9.6). CommonJS itself forgets a module that failed.
 *
 * @module
 */

/**
 * Imports a CommonJS package in such a way that a failure is not the end: the next call may succeed.
 *
 * Import it nowhere else, and not statically: a module that does is kept failed itself.
 *
 * @param specifier Its name, and the file in it, if any, as `deno.json` has it.
 * @param load Imports the same; the literal specifier in it is what `deno compile` and `deno publish` see.
 * @returns What the package exports.
 * @throws What `load` throws, when `require()` fails too.
 */
export async function loadCommonJs<Exports>(
  specifier: string,
  load: () => Promise<{ readonly default: Exports }>,
): Promise<Exports> {
  try {
    return (await load()).default;
  } catch (error) {
    try {
      const { createRequire } = await import("node:module");
      return createRequire(placeOfPackages())(specifier) as Exports;
    } catch {
      throw error; // The same reason, or that packages cannot be found this way: the first error says more.
    }
  }
}

/**
 * Evaluates CommonJS packages that an ES package imports, before that is imported: it then finds them evaluated, and cannot
 * fail for want of descriptors. Without this it would keep the failure, and nothing would bring it back.
 *
 * @param user A file of the ES package, as `deno.json` has it.
 * @param specifiers What it imports that is CommonJS.
 * @throws What their evaluation throws; the next call tries again. What cannot be found this way is left to the import.
 */
export async function evaluateCommonJs(user: string, specifiers: readonly string[]): Promise<void> {
  const { createRequire } = await import("node:module");
  try {
    const require = createRequire(createRequire(placeOfPackages()).resolve(user));
    for (const specifier of specifiers) require(specifier);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "MODULE_NOT_FOUND") throw error;
  }
}

/** A file to look up packages from. Deno finds those in its cache from anywhere, those in `node_modules` from beside it. */
function placeOfPackages(): string {
  return [import.meta.url, Deno.mainModule].find((url) => url.startsWith("file:")) ?? "file:///";
}
