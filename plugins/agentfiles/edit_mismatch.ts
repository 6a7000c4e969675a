/**
 * The error of an edit that does not fit its file.
 *
 * @module
 */

/** Why an edit does not fit. */
export type MismatchKind = "empty_search" | "not_found" | "ambiguous";

/** A search text does not name exactly one place of the file. The message says what was found instead. */
export class EditMismatchError extends Error {
  override readonly name = "EditMismatchError";

  constructor(readonly kind: MismatchKind, message: string) {
    super(message);
  }
}
