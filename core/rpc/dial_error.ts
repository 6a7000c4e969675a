/**
 * A connection to the control plane could not be made.
 *
 * @module
 */
import type { Validation } from "../errors.ts";

/** What the server answered instead of upgrading. */
export interface DialRefusal {
  readonly status: number;
  readonly message?: string;
  readonly detail?: string;
  readonly validations?: readonly Validation[];
}

/** The control plane refused the connection, or could not be reached. */
export class DialError extends Error {
  override readonly name = "DialError";
  readonly code = "rpc_dial_failed";

  /** @param refusal What the server answered; absent when it did not answer at all. */
  constructor(message: string, readonly refusal?: DialRefusal, options?: ErrorOptions) {
    super(message, options);
  }

  /** Whether the server does not take the version that was asked for. */
  get isVersionRefused(): boolean {
    return this.refusal?.status === 400 && this.refusal.validations?.[0]?.field === "version";
  }
}
