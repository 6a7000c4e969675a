/**
 * What can stand in the way of a build.
 *
 * @module
 */

/** What stood in the way of a build: which step, and what people can do about it. */
export class BuildError extends Error {
  override readonly name = "BuildError";

  constructor(readonly step: string, message: string, options?: ErrorOptions) {
    super(`Cannot build (${step}): ${message}`, options);
  }
}
