/**
 * The core's own commands, in the order the help shows them.
 *
 * @module
 */
import { LOG_LEVELS } from "../../log.ts";
import type { CoreCommand } from "../command.ts";
import type { FlagSpec } from "../flags.ts";
import { CONFIG_FLAGS, SETTING_FLAGS } from "../load_config.ts";

const UNIX: FlagSpec = {
  name: "unix",
  value: "PATH",
  summary: "Socket of the agent (default: OUTPOST_SOCKET, then agent.sock in the runtime directory).",
};
const JSON_OUTPUT: FlagSpec = { name: "json", summary: "Prints JSON." };

/** Every command of the core. */
export const CORE_COMMANDS: readonly CoreCommand[] = [
  {
    name: "start",
    summary: "Start the agent and serve until a signal ends it.",
    flags: [
      ...SETTING_FLAGS,
      ...CONFIG_FLAGS,
      { name: "reaper", summary: "Runs the agent below a small parent, as it is by itself as process 1. Linux only." },
      { name: "restart", summary: "Has that parent start the agent again when it crashed." },
      { name: "no-reap", summary: "Runs the agent without a parent, also as process 1." },
    ],
    details: [
      "SIGTERM, SIGINT and SIGHUP let work in flight finish and end the agent with 0. A second one kills every process the\n" +
      "agent started and exits at once with 128 and the signal's number.",
      "The parent takes away processes that end without one, passes signals on, ends what a killed agent left running, and\n" +
      "exits as the agent did: with its code, or 128 and the number of the signal that killed it.",
      "OUTPOST_TOKEN is the API token. Without it, and without --token-file, the token is random for each start and written\n" +
      "to a file beside the socket, readable by you alone.",
    ],
    ownsSignals: true,
    load: async () => (await import("./start.ts")).start,
  },
  {
    name: "status",
    summary: "Show how the running agent and its plugins are.",
    flags: [UNIX, JSON_OUTPUT],
    details: ["The exit code is 0 when the agent is ready and no plugin has failed, 1 otherwise."],
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "logs",
    summary: "Show the latest lines of the running agent's log.",
    flags: [
      UNIX,
      JSON_OUTPUT,
      { name: "follow", summary: "Goes on with lines as they are written." },
      { name: "lines", value: "COUNT", summary: "Lines that were written before (default: 100)." },
      { name: "level", value: "LEVEL", choices: LOG_LEVELS, summary: "Lowest level shown (default: debug)." },
      { name: "source", value: "ID", summary: "Only lines of core or of one plugin." },
    ],
    details: ["The agent keeps its last 2000 lines, at most 1 MiB. It logs from agent.log.level upwards."],
    load: async () => (await import("./logs.ts")).logs,
  },
  {
    name: "dev",
    summary: "Run a plugin's file in an agent of its own and start it again when a file is saved.",
    usage: "FILE",
    words: [1, 1],
    flags: [...SETTING_FLAGS.filter(({ name }) => ["listen", "dir"].includes(name)), ...CONFIG_FLAGS],
    details: [
      'The plugin runs attached, as with "from": FILE and "attached": true: a program of its own, with the permissions it\n' +
      "declares. The last line of its file has to be: if (import.meta.main) await serveAttached(plugin).",
      "Its log lines, states, routes and changed metrics are shown, and what the compiler says about its types. Settings\n" +
      "come from --config and --set, under the plugin's id. Ctrl-C ends everything.",
    ],
    load: async () => (await import("./dev.ts")).dev,
  },
  {
    name: "exec",
    summary: "Run a command in the workspace and show its output.",
    usage: "[--] COMMAND [ARGUMENTS]",
    words: [1, Infinity],
    flags: [
      UNIX,
      { name: "cwd", value: "DIR", summary: "Working directory of the command (default: the agent's)." },
      { name: "env", value: "NAME=VALUE", isList: true, summary: "Sets a variable of the command's environment." },
    ],
    details: [
      "One word is a line for the shell; several are a program and its arguments, passed on as they are.",
      "The exit code is the command's own; 1 when the command succeeded but output was lost on the way. Ctrl-C\n" +
      "interrupts the command, a second one tells it to end, a third one kills it.",
    ],
    ownsSignals: true,
    load: async () => (await import("./exec.ts")).exec,
  },
  {
    name: "ps",
    summary: "List processes that the agent started.",
    flags: [UNIX, JSON_OUTPUT],
    load: async () => (await import("./ps.ts")).ps,
  },
  {
    name: "open",
    summary: "Print a link that lets a browser in, once.",
    flags: [UNIX],
    load: async () => (await import("./open.ts")).open,
  },
  {
    name: "plugins",
    summary: "Show plugins: part of this version, built into this binary, state now.",
    flags: [
      ...CONFIG_FLAGS,
      UNIX,
      JSON_OUTPUT,
      { name: "why", value: "ID", summary: "Explains why one plugin is in its state, and who needs it." },
    ],
    load: async () => (await import("./plugins.ts")).plugins,
  },
  {
    name: "reload",
    summary: "Let the running agent read its configuration again.",
    flags: [
      UNIX,
      JSON_OUTPUT,
      { name: "force", summary: "Goes on even if processes end that plugins with a new life hold." },
    ],
    details: [
      "The agent checks the whole configuration first. Plugins whose part did not change are not touched; others take their\n" +
      "settings in place or get a new life, with those who use them. If one does not come up, the configuration before is in\n" +
      "force again. SIGUSR1 does the same without --force; its outcome is in the agent's log.",
    ],
    load: async () => (await import("./reload.ts")).reload,
  },
  {
    name: "new plugin",
    summary: "Write a new plugin: definition, settings, tests, README and an example, green at once.",
    usage: "NAME",
    words: [1, 1],
    flags: [
      { name: "dir", value: "DIR", summary: "Where to write (default: a folder NAME here)." },
      {
        name: "agent",
        value: "SOURCE",
        summary: "The agent to write it for: a path, or jsr:@outpost/agent@VERSION (default: this one).",
      },
    ],
    details: [
      "Inside the agent's own checkout the new folder uses the checkout's settings; elsewhere it gets its own.",
    ],
    load: async () => (await import("./new_plugin.ts")).newPlugin,
  },
  {
    name: "build",
    summary: "Build a binary with a name and plugins of its own.",
    usage: "[MANIFEST]",
    words: [0, 1],
    flags: [
      {
        name: "from-config",
        value: "FILE",
        summary: "Take the plugins that this configuration needs, without a manifest.",
      },
      {
        name: "agent",
        value: "SOURCE",
        summary:
          "The agent to build with: a path, or jsr:@outpost/agent@VERSION (default: the manifest's, then this one).",
      },
      { name: "report-only", summary: "End after the report of what would be inside." },
    ],
    details: [
      "The manifest is outpost.build.jsonc: name, version, plugins (standard/ID, a path, a package), and if wanted agent,\n" +
      "targets and output. Beside it lie the lock file and the report; both are made to be committed.",
      "Programs of the build see a list of environment variables only, and what they print is shown without secrets.",
    ],
    load: async () => (await import("./build.ts")).buildBinary,
  },
  {
    name: "config check",
    summary: "Check the configuration and the plan; list every problem.",
    flags: [...CONFIG_FLAGS],
    load: async () => (await import("./config_check.ts")).configCheck,
  },
  {
    name: "config print",
    summary: "Show every setting in force and who gave it; secrets are masked.",
    flags: [...CONFIG_FLAGS, JSON_OUTPUT],
    load: async () => (await import("./config_print.ts")).configPrint,
  },
  {
    name: "config schema",
    summary: "Print the JSON Schema of the configuration, for editors.",
    usage: "[FILE]",
    words: [0, 1],
    flags: [],
    details: ['Writes to FILE when it is given. Name it in the configuration: "$schema": "./agent.schema.json".'],
    load: async () => (await import("./config_schema.ts")).printConfigSchema,
  },
  {
    name: "install",
    summary: "Set the agent up as a service of systemd, or show how a container starts it.",
    flags: [
      { name: "systemd", summary: "Writes a unit for systemd." },
      { name: "container", summary: "Prints the lines of a Dockerfile." },
      { name: "system", summary: "With --systemd: of the machine, started at boot (default: of the user)." },
      { name: "run-as", value: "USER", summary: "With --system: user the agent runs as (default: root)." },
      { name: "name", value: "NAME", summary: "Name of the unit (default: outpost)." },
      { name: "config", value: "FILE", summary: "Configuration file the agent is started with." },
      { name: "dry-run", summary: "Prints the file instead of writing it." },
      { name: "remove", summary: "With --systemd: removes the unit that was written before." },
    ],
    details: ["Nothing is started or stopped: the commands for that are printed."],
    load: async () => (await import("./install.ts")).install,
  },
  {
    name: "doctor",
    summary: "Check what the agent needs here and say how to mend what is wrong.",
    flags: [...CONFIG_FLAGS, UNIX, JSON_OUTPUT],
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "version",
    summary: "Show the version.",
    flags: [JSON_OUTPUT],
    load: async () => (await import("./version.ts")).version,
  },
];
