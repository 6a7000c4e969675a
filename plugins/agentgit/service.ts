/**
 * What other plugins tell the git watcher. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** Told which paths a chat has touched, so that their repositories are watched. */
export interface PathActivity {
  /**
   * Adds absolute `paths` to every chat of `chatIds` (the chat and its ancestors) and wakes their watchers, also when all
   * paths are known already. Empty `paths` only wakes. Returns at once; never throws.
   */
  touched(chatIds: readonly string[], paths: readonly string[]): void;
}
/** Token for {@linkcode PathActivity}. */
export const PathActivity: ServiceToken<PathActivity> = defineService("agentgit/path-activity");
