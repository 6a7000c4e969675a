/**
 * Signals by the names that SSH has for them.
 *
 * @module
 */

/** RFC 4254 section 6.9. */
const SIGNALS: Readonly<Record<string, Deno.Signal>> = {
  ABRT: "SIGABRT",
  ALRM: "SIGALRM",
  FPE: "SIGFPE",
  HUP: "SIGHUP",
  ILL: "SIGILL",
  INT: "SIGINT",
  KILL: "SIGKILL",
  PIPE: "SIGPIPE",
  QUIT: "SIGQUIT",
  SEGV: "SIGSEGV",
  TERM: "SIGTERM",
  USR1: "SIGUSR1",
  USR2: "SIGUSR2",
};

/** The signal of that name; any other name is taken as the wish to end the command. */
export function signalNamed(name: string): Deno.Signal {
  return (Object.hasOwn(SIGNALS, name) ? SIGNALS[name] : undefined) ?? "SIGKILL";
}
