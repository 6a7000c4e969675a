/**
 * Every flag of Coder's agent, and its variable. What each means is in `start_settings.ts`.
 *
 * @module
 */
import type { StartFlag } from "../../core/plugin.ts";

/** A flag that a variable can stand for. */
export interface ReferenceFlag extends StartFlag {
  readonly variable?: string;
}

/** In the order the help shows them. */
export const START_FLAGS: readonly ReferenceFlag[] = [
  { name: "agent-url", value: "URL", variable: "CODER_AGENT_URL", summary: "Address of the control plane." },
  { name: "agent-token", value: "TOKEN", variable: "CODER_AGENT_TOKEN", summary: "The agent's token." },
  {
    ...{ name: "agent-token-file", value: "FILE", variable: "CODER_AGENT_TOKEN_FILE" },
    summary: "File that holds the token; read before each attempt to connect.",
  },
  {
    ...{ name: "auth", value: "KIND", variable: "CODER_AGENT_AUTH" },
    summary: "How the agent proves itself; only token is supported.",
  },
  {
    ...{ name: "agent-name", value: "NAME", variable: "CODER_AGENT_NAME" },
    summary: "Accepted without effect: it belongs to instance identity.",
  },
  {
    ...{ name: "agent-header", value: "NAME=VALUE", isList: true, variable: "CODER_AGENT_HEADER" },
    summary: "Header for every request to the control plane.",
  },
  {
    ...{ name: "agent-header-command", value: "LINE", variable: "CODER_AGENT_HEADER_COMMAND" },
    summary: "Command that prints further headers, one NAME=VALUE per line; it finds the address in CODER_URL.",
  },
  {
    ...{ name: "log-dir", value: "DIR", variable: "CODER_AGENT_LOG_DIR" },
    summary: "Directory of coder-agent.log, coder-agent-init.log and scripts' logs (default: the temporary directory).",
  },
  {
    ...{ name: "script-data-dir", value: "DIR", variable: "CODER_AGENT_SCRIPT_DATA_DIR" },
    summary: "Directory of scripts' data (default: the temporary directory).",
  },
  {
    ...{ name: "log-human", value: "FILE", mayBeEmpty: true, variable: "CODER_AGENT_LOGGING_HUMAN" },
    summary: "Where the log goes for people (default: /dev/stderr); empty: nowhere.",
  },
  {
    ...{ name: "log-json", value: "FILE", mayBeEmpty: true, variable: "CODER_AGENT_LOGGING_JSON" },
    summary: "Where the log goes as JSON.",
  },
  {
    ...{ name: "log-stackdriver", value: "FILE", mayBeEmpty: true, variable: "CODER_AGENT_LOGGING_STACKDRIVER" },
    summary: "Where the log goes for Google Cloud Logging.",
  },
  {
    ...{ name: "prometheus-address", value: "HOST:PORT", mayBeEmpty: true },
    variable: "CODER_AGENT_PROMETHEUS_ADDRESS",
    summary: "Where the metrics are read (default: 127.0.0.1:2112); empty: nowhere.",
  },
  {
    ...{ name: "debug-address", value: "HOST:PORT", mayBeEmpty: true, variable: "CODER_AGENT_DEBUG_ADDRESS" },
    summary: "Where /debug/logs and /debug/manifest are read (default: 127.0.0.1:2113); empty: nowhere.",
  },
  {
    ...{ name: "pprof-address", value: "HOST:PORT", mayBeEmpty: true, variable: "CODER_AGENT_PPROF_ADDRESS" },
    summary: "Accepted without effect: this runtime has no such profiles.",
  },
  {
    ...{ name: "ssh-max-timeout", value: "TIME", variable: "CODER_AGENT_SSH_MAX_TIMEOUT" },
    summary: "A client of ssh that gives no sign of life for this long is gone (default: 72h).",
  },
  {
    ...{ name: "block-file-transfer", value: "BOOL", bare: "true", variable: "CODER_AGENT_BLOCK_FILE_TRANSFER" },
    summary: "Refuses what moves files over ssh.",
  },
  {
    ...{ name: "block-reverse-port-forwarding", value: "BOOL", bare: "true" },
    variable: "CODER_AGENT_BLOCK_REVERSE_PORT_FORWARDING",
    summary: "Refuses ssh -R.",
  },
  {
    ...{ name: "block-local-port-forwarding", value: "BOOL", bare: "true" },
    variable: "CODER_AGENT_BLOCK_LOCAL_PORT_FORWARDING",
    summary: "Refuses ssh -L and -D.",
  },
  {
    ...{ name: "socket-server-enabled", value: "BOOL", bare: "true", variable: "CODER_AGENT_SOCKET_SERVER_ENABLED" },
    summary: "Whether there is an agent socket (default: true).",
  },
  {
    ...{ name: "socket-path", value: "PATH", variable: "CODER_AGENT_SOCKET_PATH" },
    summary: "Path of the agent socket.",
  },
  {
    ...{ name: "boundary-log-proxy-socket-path", value: "PATH", mayBeEmpty: true },
    variable: "CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH",
    summary: "Path of the audit socket of boundary; empty: none.",
  },
  {
    ...{ name: "agent-firewall-log-proxy-socket-path", value: "PATH", mayBeEmpty: true },
    variable: "CODER_AGENT_FIREWALL_LOG_PROXY_SOCKET_PATH",
    summary: "The same by its newer name.",
  },
  {
    ...{ name: "tailnet-listen-port", value: "PORT", variable: "CODER_AGENT_TAILNET_LISTEN_PORT" },
    summary: "Accepted without effect: this agent is in no tailnet.",
  },
  {
    ...{ name: "devcontainers-enable", value: "BOOL", bare: "true", variable: "CODER_AGENT_DEVCONTAINERS_ENABLE" },
    summary: "Accepted without effect: this agent runs no dev containers.",
  },
  {
    ...{ name: "devcontainers-project-discovery-enable", value: "BOOL", bare: "true" },
    variable: "CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE",
    summary: "The same.",
  },
  {
    ...{ name: "devcontainers-discovery-autostart-enable", value: "BOOL", bare: "true" },
    variable: "CODER_AGENT_DEVCONTAINERS_DISCOVERY_AUTOSTART_ENABLE",
    summary: "The same.",
  },
];
