/**
 * Metrics of the SSH plugin, named as the reference agent names them.
 *
 * @module
 */
import type { Counter, Gauge, Metrics, NoLabels } from "../../core/plugin.ts";

const MAGIC_TYPES = ["ssh", "vscode", "jetbrains", "unknown"] as const;
const YES_NO = ["yes", "no"] as const;
const ERROR_TYPES = [
  "create_command",
  "listener",
  "stdin_pipe",
  "stdin_io_copy",
  "start_command",
  "announcement_banner",
  "motd",
  "close",
  "resize",
  "input_io_copy",
  "output_io_copy",
  "wait",
  "signal",
] as const;

/** What a session's client is, for labels. */
export type MagicType = (typeof MAGIC_TYPES)[number];
/** Which step of a session failed. */
export type SessionErrorType = (typeof ERROR_TYPES)[number];

const SESSION_LABELS = { magic_type: MAGIC_TYPES, pty: YES_NO } as const;
const ERROR_LABELS = { ...SESSION_LABELS, error_type: ERROR_TYPES } as const;

/** Metrics of the SSH plugin. */
export interface SshMetrics {
  readonly failedConnections: Counter<NoLabels>;
  readonly refusedConnections: Counter<NoLabels>;
  readonly connections: Gauge<NoLabels>;
  readonly sftpConnections: Counter<NoLabels>;
  readonly sftpErrors: Counter<NoLabels>;
  readonly sessions: Counter<typeof SESSION_LABELS>;
  readonly sessionErrors: Counter<typeof ERROR_LABELS>;
}

/** Registers the metrics. */
export function sshMetrics(metrics: Metrics): SshMetrics {
  return {
    failedConnections: metrics.counter("failed_connections_total", {
      help:
        "Connections that ended before the client was authenticated; a rise means scans, wrong keys or clients with old algorithms.",
      exactName: "agent_ssh_server_failed_connections_total",
    }),
    refusedConnections: metrics.counter("refused_connections_total", {
      help:
        "Connections cut at once because maxConnections or maxLogins was reached; raise the limit, or find who opens them.",
    }),
    connections: metrics.gauge("connections", {
      help: "Connections that are open, authenticated or not; compare with maxConnections.",
    }),
    sftpConnections: metrics.counter("sftp_connections_total", {
      help: "SFTP sessions that were started; modern scp counts here too.",
      exactName: "agent_ssh_server_sftp_connections_total",
    }),
    sftpErrors: metrics.counter("sftp_server_errors_total", {
      help: "SFTP sessions that broke the protocol or were cut; a rise means faulty clients or networks.",
      exactName: "agent_ssh_server_sftp_server_errors_total",
    }),
    sessions: metrics.counter("sessions_total", {
      help: "Shells and commands that were started, by what the client says it is and whether it has a terminal.",
      labels: SESSION_LABELS,
      exactName: "agent_sessions_total",
    }),
    sessionErrors: metrics.counter("sessions_errors_total", {
      help: "Sessions in which a step failed on this side; the log names the cause.",
      labels: ERROR_LABELS,
      exactName: "agent_sessions_errors_total",
    }),
  };
}
