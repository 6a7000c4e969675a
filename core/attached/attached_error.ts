/**
 * What can go wrong with a plugin that is a program of its own.
 *
 * @module
 */

/** An attached plugin could not be started, or ended while it was needed. */
export class AttachedPluginError extends Error {
  override readonly name = "AttachedPluginError";
  readonly code = "attached_plugin";
  /** Whether `"onFailure": "retry"` may start it again. Not when the same thing would happen again for sure. */
  readonly retriable: boolean;

  constructor(message: string, options: { readonly retriable?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retriable = options.retriable ?? true;
  }
}
