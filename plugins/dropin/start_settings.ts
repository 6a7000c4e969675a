/**
 * What the flags and variables of Coder's agent mean for the configuration.
 *
 * @module
 */
import { join, resolve } from "@std/path";

import { pathFacts, runtimeDirectory } from "../../core/config/default_paths.ts";
import { ConfigError, type ConfigProblem, messageOf } from "../../core/errors.ts";
import { parseDuration } from "../../core/go_duration.ts";
import type { StartGiven, StartSettings } from "../../core/plugin.ts";
import { headerOf } from "../../core/rpc/header_command.ts";
import { START_FLAGS } from "./start_flags.ts";

/** Where the reference serves its metrics and its debug pages when nobody says otherwise. */
const PROMETHEUS_ADDRESS = "127.0.0.1:2112";
const DEBUG_ADDRESS = "127.0.0.1:2113";
/** Name, size and number of log files are the reference's; what collects logs knows them. */
const LOG_FILE = "coder-agent.log";
const LOG_FILE_BYTES = 5 * 1024 * 1024;
const LOG_FILE_BACKUPS = 19;

/** What stands for a setting: the text, and what people know it by. */
interface Word {
  readonly text: string;
  readonly source: string;
}

/**
 * Reads how the agent was started.
 *
 * @throws {ConfigError} With everything that is missing or cannot be done.
 */
export function startSettings(given: StartGiven): StartSettings {
  const reading = new Reading(given);
  readControlPlane(reading);
  readLogs(reading);
  readListeners(reading);
  readPlugins(reading);
  readWithoutEffect(reading);
  return reading.done();
}

/** What was given, and what it has come to. */
class Reading {
  readonly given: StartGiven;
  readonly notes: StartSettings["notes"][number][] = [];
  readonly problems: ConfigProblem[] = [];
  readonly #overrides: StartSettings["overrides"][number][] = [];

  constructor(given: StartGiven) {
    this.given = given;
  }

  /** The value of a flag, else of its variable. An empty variable counts only where a flag may be empty too. */
  word(name: string): Word | undefined {
    return this.words(name).at(-1);
  }

  words(name: string): readonly Word[] {
    const flag = START_FLAGS.find((each) => each.name === name)!;
    const values = this.given.flag(name);
    if (values.length > 0) return values.map((text) => ({ text, source: `--${name}` }));
    const text = flag.variable === undefined ? undefined : this.given.env[flag.variable];
    if (text === undefined || (text === "" && !flag.mayBeEmpty)) return [];
    // Lists in variables have commas between their parts.
    const texts = flag.isList ? text.split(",") : [text];
    return texts.map((each) => ({ text: each, source: flag.variable! }));
  }

  path(name: string): string | undefined {
    const word = this.word(name);
    return word === undefined ? undefined : resolve(this.given.cwd, word.text);
  }

  get temporaryDirectory(): string {
    return this.given.env.TMPDIR || "/tmp";
  }

  /** Sets a value above the file's. Settings of a plugin that this binary does not have are told of. */
  set(path: string, value: unknown, source: string): void {
    const parts = path.split(".");
    if (parts[0] === "plugins" && !this.given.plugins.has(parts[1]!)) {
      return this.note("warn", "setting without effect", {
        setting: source,
        reason: `no plugin "${parts[1]}" in this binary`,
      });
    }
    this.#overrides.push({ path: parts, value, source });
  }

  note(level: "info" | "warn", message: string, fields: StartSettings["notes"][number]["fields"] = {}): void {
    this.notes.push({ level, message, fields });
  }

  problem(path: string, message: string, source: string): void {
    this.problems.push({ path, message, source });
  }

  done(): StartSettings {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
    return { defaults: defaultsOf(this), overrides: this.#overrides, notes: this.notes };
  }
}

function readControlPlane(reading: Reading): void {
  const url = reading.word("agent-url");
  if (url === undefined) {
    reading.problem("agent.controlPlane.url", "is missing: set CODER_AGENT_URL or --agent-url", "outpost agent");
  } else reading.set("agent.controlPlane.url", url.text, url.source);
  const kind = reading.word("auth");
  if (kind !== undefined && kind.text !== "token") {
    const message = `"${kind.text}" is not supported: this agent proves itself with a token`;
    reading.problem("agent.controlPlane.token", message, kind.source);
    return;
  }
  const token = reading.word("agent-token");
  const file = reading.word("agent-token-file");
  if (token !== undefined) reading.set("agent.controlPlane.token", token.text, token.source);
  else if (file !== undefined) {
    reading.set("agent.controlPlane.tokenFile", resolve(reading.given.cwd, file.text), file.source);
  } else {
    const message = "is missing: set CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE";
    reading.problem("agent.controlPlane.token", message, "outpost agent");
  }
  for (const { text, source } of reading.words("agent-header")) {
    const header = headerOf(text);
    if (header === undefined) reading.problem("agent.controlPlane.headers", "expected NAME=VALUE", source);
    // Not by a dotted path: names of headers may have dots.
    else reading.set("agent.controlPlane.headers", { [header[0]]: header[1] }, source);
  }
  const command = reading.word("agent-header-command");
  if (command !== undefined) reading.set("agent.controlPlane.headerCommand", command.text, command.source);
  reading.note("info", "agent is starting now", { url: url?.text, auth: "token" });
}

const LOG_FLAGS = [
  { flag: "log-human", format: "pretty", fallback: "/dev/stderr" },
  { flag: "log-json", format: "json", fallback: "" },
  { flag: "log-stackdriver", format: "stackdriver", fallback: "" },
] as const;

/** The file is always there; people read standard error unless they are told otherwise. */
function readLogs(reading: Reading): void {
  const outputs: Record<string, unknown>[] = [];
  let source = "default";
  for (const { flag, format, fallback } of LOG_FLAGS) {
    const word = reading.word(flag);
    source = word?.source ?? source;
    const to = word?.text ?? fallback;
    // The reference lets these files grow.
    if (to !== "") outputs.push({ to: resolve(reading.given.cwd, to), format, maxBytes: 0 });
  }
  outputs.push({
    ...{ to: logFileOf(reading), format: "pretty", level: "debug" },
    ...{ maxBytes: LOG_FILE_BYTES, backups: LOG_FILE_BACKUPS },
  });
  reading.set("agent.log.outputs", outputs, reading.word("log-dir")?.source ?? source);
  const directory = reading.word("log-dir");
  if (directory !== undefined) reading.set("plugins.scripts.config.logDir", reading.path("log-dir"), directory.source);
  const data = reading.word("script-data-dir");
  if (data !== undefined) reading.set("agent.scriptDataDir", reading.path("script-data-dir"), data.source);
}

function logFileOf(reading: Reading): string {
  return join(reading.path("log-dir") ?? reading.temporaryDirectory, LOG_FILE);
}

function readListeners(reading: Reading): void {
  for (
    const [flag, setting] of [["prometheus-address", "prometheusAddress"], ["debug-address", "debugAddress"]] as const
  ) {
    const word = reading.word(flag);
    if (word !== undefined) reading.set(`plugins.dropin.config.${setting}`, word.text, word.source);
  }
  const pprof = reading.word("pprof-address");
  if (pprof?.text === "") reading.note("info", "pprof address is empty, disabling pprof server");
  else if (pprof !== undefined) {
    reading.note("warn", "pprof is not served: this runtime has no such profiles", { address: pprof.text });
  }
  const isEnabled = switchOf(reading, "socket-server-enabled");
  const path = reading.word("socket-path");
  if (isEnabled?.value === false) reading.set("agent.listen.agentSocket", null, isEnabled.source);
  else if (path !== undefined) {
    reading.set("agent.listen.agentSocket", resolve(reading.given.cwd, path.text), path.source);
  }
}

const SSH_SWITCHES = [
  ["block-file-transfer", "blockFileTransfer"],
  ["block-reverse-port-forwarding", "blockReverseForwarding"],
  ["block-local-port-forwarding", "blockLocalForwarding"],
] as const;

function readPlugins(reading: Reading): void {
  for (const [flag, setting] of SSH_SWITCHES) {
    const given = switchOf(reading, flag);
    if (given !== undefined) reading.set(`plugins.ssh.config.${setting}`, given.value, given.source);
  }
  const timeout = reading.word("ssh-max-timeout");
  if (timeout !== undefined) {
    try {
      reading.set("plugins.ssh.config.maxTimeoutMs", Math.round(parseDuration(timeout.text)), timeout.source);
    } catch (error) {
      reading.problem("plugins.ssh.config.maxTimeoutMs", messageOf(error), timeout.source);
    }
  }
  const boundary = reading.word("agent-firewall-log-proxy-socket-path") ??
    reading.word("boundary-log-proxy-socket-path");
  if (boundary !== undefined) {
    const path = boundary.text === "" ? "" : resolve(reading.given.cwd, boundary.text);
    reading.set("plugins.boundarylogs.config.socketPath", path, boundary.source);
  }
  const subsystems = (reading.given.env.CODER_AGENT_SUBSYSTEM ?? "").split(",").map((each) => each.trim())
    .filter((each) => each !== "");
  if (subsystems.length > 0) {
    const sorted = [...new Set(subsystems)].sort();
    reading.set("plugins.controlplane.config.subsystems", sorted, "CODER_AGENT_SUBSYSTEM");
  }
}

/** What Coder's agent has and this one has not: said once, when somebody asks for it. */
function readWithoutEffect(reading: Reading): void {
  const port = reading.word("tailnet-listen-port");
  if (port !== undefined && port.text !== "0") {
    reading.note("warn", "setting without effect", { setting: port.source, reason: "this agent is in no tailnet" });
  }
  const name = reading.word("agent-name");
  if (name !== undefined) {
    const reason = "this agent proves itself with a token";
    reading.note("warn", "setting without effect", { setting: name.source, reason });
  }
  const containers = START_FLAGS.filter((flag) => flag.name.startsWith("devcontainers-"))
    .flatMap((flag) => switchOf(reading, flag.name) ?? []).filter(({ value }) => value);
  if (containers.length > 0) {
    const setting = containers.map(({ source }) => source).join(", ");
    reading.note("warn", "setting without effect", { setting, reason: "this agent runs no dev containers" });
  }
}

/** Words for yes and no as Go reads them. */
const YES = /^(?:1|t|true)$/i;
const NO = /^(?:0|f|false)$/i;

function switchOf(reading: Reading, name: string): { readonly value: boolean; readonly source: string } | undefined {
  const word = reading.word(name);
  if (word === undefined) return undefined;
  if (!YES.test(word.text) && !NO.test(word.text)) {
    reading.problem("", `expected true or false, got "${word.text}"`, word.source);
    return undefined;
  }
  return { value: YES.test(word.text), source: word.source };
}

/** What holds in the reference's place when neither a flag nor the configuration file says otherwise. */
function defaultsOf(reading: Reading): StartSettings["defaults"] {
  const { env, plugins } = reading.given;
  const directory = runtimeDirectory(pathFacts(env));
  const wanted: Readonly<Record<string, unknown>> = {
    dropin: {
      enabled: true,
      config: { prometheusAddress: PROMETHEUS_ADDRESS, debugAddress: DEBUG_ADDRESS, logFile: logFileOf(reading) },
    },
    controlplane: { config: { exposeToken: true, reinit: true } },
    scripts: { config: { logDir: reading.temporaryDirectory } },
    // The reference is reached over its tailnet, where nobody is asked for a key; here that is a socket of this user.
    ssh: { enabled: true, config: { listen: null, unix: join(directory, "ssh.sock") } },
  };
  return { plugins: Object.fromEntries(Object.entries(wanted).filter(([id]) => plugins.has(id))) };
}
