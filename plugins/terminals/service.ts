/**
 * What other plugins may use of terminals. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** Who looks at terminals, and what went through them. */
export interface TerminalViewers {
  /** Viewers that are attached now. */
  count(): number;
  /** Bytes since the plugin started: what viewers sent, and what was shown to them. */
  traffic(): { readonly received: number; readonly sent: number };
}
/** Token for {@linkcode TerminalViewers}. */
export const TerminalViewers: ServiceToken<TerminalViewers> = defineService("terminals/viewers");
