/**
 * What handlers of the control plane's own API are told.
 *
 * @module
 */
import type { Authority } from "../../core/http/auth.ts";

/** What the server tells a handler beside the request. */
export interface AdminEnv {
  readonly authority: Authority | undefined;
  /** Aborted when the server stops: streams end. */
  readonly stopping: AbortSignal;
}
