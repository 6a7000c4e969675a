/**
 * What other plugins may use of the desktop. Interfaces and tokens only.
 *
 * @module
 */
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** One action, in the words of the route `POST /action`. */
export interface DesktopActionRequest {
  readonly action: string;
  readonly [field: string]: unknown;
}

/** What an action came to, as far as models look at it. */
export interface DesktopActionResult {
  readonly output: string;
  /** Base64. */
  readonly screenshot_data?: string;
}

/** Acts on the desktop, as the route does: in turn, under the lease, with the same metrics. It is started by its first use. */
export interface DesktopActions {
  /**
   * @param options Whose action it is; `signal` ends it.
   * @throws {HttpProblem} With the status and the message that the route would answer with; 423 while a person holds it.
   */
  act(
    request: DesktopActionRequest,
    options: { readonly chat?: ChatIdentity; readonly signal: AbortSignal },
  ): Promise<DesktopActionResult>;
}
/** Token for {@linkcode DesktopActions}. */
export const DesktopActions: ServiceToken<DesktopActions> = defineService("desktop/actions");
