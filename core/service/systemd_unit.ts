/**
 * The unit file under which systemd runs the agent.
 *
 * @see systemd.service(5), systemd.exec(5)
 * @module
 */

/** What the unit is written from. */
export interface SystemdUnit {
  /** One line for lists of services. */
  readonly description: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The same for the command that makes the running agent read its configuration again. */
  readonly reloadCommand: readonly string[];
  /** `user`: of the person who is logged in. `system`: of the machine. */
  readonly scope: "user" | "system";
  /** User the agent runs as; for the machine's units. Default: root. */
  readonly user?: string;
  /** Name of the directory made under `/run`; for the machine's units. */
  readonly runtimeDirectory?: string;
}

/** The first line, by which a later run knows that the file is its own. */
export const UNIT_MARK = "# Written by `outpost install`, which replaces it when it is run again.";

/** A silent agent is taken for hung and restarted after this time. */
const WATCHDOG_SECONDS = 60;
/**
 * Longer than a shutdown takes with the defaults: a quarter of a minute, or 305 s where a control plane's stop scripts take all of their
 * time.
 */
const STOP_SECONDS = 330;

/** The file's text. Commands that the agent has started end with it, as they do elsewhere. */
export function systemdUnit(unit: SystemdUnit): string {
  const { description, command, reloadCommand, scope, user, runtimeDirectory } = unit;
  const service = [
    "Type=notify",
    // The one that says so may be a child of the first process, which only reaps.
    "NotifyAccess=all",
    `ExecStart=${commandLine(command)}`,
    // Waits for the outcome, which a signal does not tell.
    `ExecReload=${commandLine(reloadCommand)}`,
    "Restart=on-failure",
    "RestartSec=2",
    `WatchdogSec=${WATCHDOG_SECONDS}`,
    `TimeoutStopSec=${STOP_SECONDS}`,
    // The agent ends its processes itself, in order; what is left after that is killed.
    "KillMode=mixed",
    // A command that ran out of memory is reported by the agent; by default systemd would end the agent with it.
    "OOMPolicy=continue",
    // So that the agent may hold commands to limits in groups of their own.
    "Delegate=cpu memory",
    ...(user === undefined ? [] : [`User=${user}`]),
    ...(runtimeDirectory === undefined ? [] : [`RuntimeDirectory=${runtimeDirectory}`, "RuntimeDirectoryMode=0700"]),
  ];
  return [
    UNIT_MARK,
    "[Unit]",
    `Description=${description.replaceAll("%", "%%")}`,
    ...(scope === "system" ? ["After=network.target"] : []),
    "",
    "[Service]",
    ...service,
    "",
    "[Install]",
    `WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}`,
    "",
  ].join("\n");
}

function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** One word of a command line as systemd reads it: `%` and `$` stand for themselves only when they are doubled. */
function quoted(word: string): string {
  const text = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
