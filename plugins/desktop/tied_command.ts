/**
 * What keeps a desktop from outliving the agent that made it.
 *
 * @module
 */
/**
 * Asks the kernel for SIGTERM at the agent's end (`PR_SET_PDEATHSIG`), by a program of util-linux. BusyBox has one of the same
 * name that cannot; there, and where there is none, the command runs as it is. The shell becomes the command in either case.
 */
const SCRIPT = 'setpriv --pdeathsig TERM true 2>/dev/null && exec setpriv --pdeathsig TERM "$@"; exec "$@"';

/** The command as one that is told to end when the agent is killed and can end nothing itself any more. */
export function tiedCommand(command: readonly [string, ...string[]]): [string, ...string[]] {
  return ["sh", "-c", SCRIPT, "sh", ...command];
}
