/**
 * Where the jail looks for the agent.
 *
 * @module
 */
import { join } from "@std/path";

import { pathFacts, runtimeDirectory } from "../../core/config/default_paths.ts";
import type { Variables } from "../../core/plugin.ts";

/** Variable that tells jails, and the agent, where the socket is. */
export const SOCKET_VARIABLE = "CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH";

/**
 * The socket's path, or `null` when it was set to nothing: the setting, then the environment. Otherwise, in an agent that was started like
 * Coder's (with `CODER_AGENT_URL`), `boundary-audit.sock` in the temporary directory, where jails look that were told nothing; else
 * `boundary.sock` in the agent's private directory.
 */
export function boundarySocketPath(configured: string | undefined, env: Variables): string | null {
  const named = configured ?? env[SOCKET_VARIABLE];
  if (named !== undefined) return named || null;
  if (env.CODER_AGENT_URL) return join(env.TMPDIR || "/tmp", "boundary-audit.sock");
  return join(runtimeDirectory(pathFacts(env)), "boundary.sock");
}
