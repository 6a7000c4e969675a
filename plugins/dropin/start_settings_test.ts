import { assertEquals, assertThrows } from "@std/assert";

import { ConfigError } from "../../core/errors.ts";
import type { StartSettings } from "../../core/plugin.ts";
import { startSettings } from "./start_settings.ts";

const NEEDED = { CODER_AGENT_URL: "https://coder.example", CODER_AGENT_TOKEN: "t" };
const PLUGINS = ["dropin", "controlplane", "scripts", "ssh", "boundarylogs"];

/** Reads flags (`--name=value`) and variables beside the needed ones. */
function read(flags: readonly string[], env: Record<string, string> = {}, plugins = PLUGINS): StartSettings {
  const given = flags.map((flag) => /^--([a-z-]+)=(.*)$/.exec(flag)!);
  return startSettings({
    flag: (name) => given.filter((match) => match[1] === name).map((match) => match[2]!),
    env: { ...NEEDED, XDG_RUNTIME_DIR: "/run/user/1", ...env },
    cwd: "/srv",
    plugins: new Set(plugins),
  });
}
/** The override at a path, with its source. */
function at({ overrides }: StartSettings, path: string): unknown {
  const found = overrides.filter((each) => each.path.join(".") === path);
  return found.length === 0 ? undefined : found.map(({ value, source }) => [value, source]).at(-1);
}
const warnings = ({ notes }: StartSettings) =>
  notes.filter(({ level }) => level === "warn").map(({ fields }) => `${fields.setting}: ${fields.reason}`);

Deno.test("startSettings() takes a variable where there is no flag, and a flag where there is", () => {
  const settings = read(["--agent-token=flag", "--log-dir=logs"], { CODER_AGENT_SSH_MAX_TIMEOUT: "1h30m" });

  assertEquals(at(settings, "agent.controlPlane.url"), ["https://coder.example", "CODER_AGENT_URL"]);
  assertEquals(at(settings, "agent.controlPlane.token"), ["flag", "--agent-token"]);
  assertEquals(at(settings, "plugins.scripts.config.logDir"), ["/srv/logs", "--log-dir"]);
  assertEquals(at(settings, "plugins.ssh.config.maxTimeoutMs"), [5_400_000, "CODER_AGENT_SSH_MAX_TIMEOUT"]);
});

for (
  const [name, variable, text, path, value] of [
    ["script-data-dir", "CODER_AGENT_SCRIPT_DATA_DIR", "data", "agent.scriptDataDir", "/srv/data"],
    ["agent-header-command", "CODER_AGENT_HEADER_COMMAND", "cat x", "agent.controlPlane.headerCommand", "cat x"],
    ["prometheus-address", "CODER_AGENT_PROMETHEUS_ADDRESS", ":0", "plugins.dropin.config.prometheusAddress", ":0"],
    ["prometheus-address", "CODER_AGENT_PROMETHEUS_ADDRESS", "", "plugins.dropin.config.prometheusAddress", ""],
    ["debug-address", "CODER_AGENT_DEBUG_ADDRESS", "", "plugins.dropin.config.debugAddress", ""],
    ["block-file-transfer", "CODER_AGENT_BLOCK_FILE_TRANSFER", "true", "plugins.ssh.config.blockFileTransfer", true],
    [
      "block-reverse-port-forwarding",
      "CODER_AGENT_BLOCK_REVERSE_PORT_FORWARDING",
      "1",
      "plugins.ssh.config.blockReverseForwarding",
      true,
    ],
    [
      "block-local-port-forwarding",
      "CODER_AGENT_BLOCK_LOCAL_PORT_FORWARDING",
      "F",
      "plugins.ssh.config.blockLocalForwarding",
      false,
    ],
    ["socket-path", "CODER_AGENT_SOCKET_PATH", "/s", "agent.listen.agentSocket", "/s"],
    ["socket-server-enabled", "CODER_AGENT_SOCKET_SERVER_ENABLED", "false", "agent.listen.agentSocket", null],
    [
      "boundary-log-proxy-socket-path",
      "CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH",
      "b.sock",
      "plugins.boundarylogs.config.socketPath",
      "/srv/b.sock",
    ],
    [
      "agent-firewall-log-proxy-socket-path",
      "CODER_AGENT_FIREWALL_LOG_PROXY_SOCKET_PATH",
      "",
      "plugins.boundarylogs.config.socketPath",
      "",
    ],
  ] as const
) {
  Deno.test(`startSettings() reads --${name} and ${variable} with "${text}"`, () => {
    assertEquals(at(read([`--${name}=${text}`]), path), [value, `--${name}`]);
    assertEquals(at(read([], { [variable]: text }), path), [value, variable]);
  });
}

Deno.test("startSettings() takes the token from a file, and reads headers one by one", () => {
  const settings = read([], {
    CODER_AGENT_TOKEN: "",
    CODER_AGENT_TOKEN_FILE: "token",
    CODER_AGENT_HEADER: "X-A.b=1,X-C=2=3",
  });

  assertEquals(at(settings, "agent.controlPlane.tokenFile"), ["/srv/token", "CODER_AGENT_TOKEN_FILE"]);
  const headers = settings.overrides.filter(({ path }) => path.at(-1) === "headers").map(({ value }) => value);
  assertEquals(headers, [{ "X-A.b": "1" }, { "X-C": "2=3" }]);
});

Deno.test("startSettings() writes the log to standard error and to a file that is moved away when it is full", () => {
  const file = { format: "pretty", level: "debug", maxBytes: 5_242_880, backups: 19 };

  assertEquals(at(read([]), "agent.log.outputs"), [[
    { to: "/dev/stderr", format: "pretty", maxBytes: 0 },
    { ...file, to: "/tmp/coder-agent.log" },
  ], "default"]);
  const env = { TMPDIR: "/scratch", CODER_AGENT_LOGGING_HUMAN: "", CODER_AGENT_LOGGING_STACKDRIVER: "/dev/stdout" };
  assertEquals(at(read(["--log-json=a.json"], env), "agent.log.outputs"), [[
    { to: "/srv/a.json", format: "json", maxBytes: 0 },
    { to: "/dev/stdout", format: "stackdriver", maxBytes: 0 },
    { ...file, to: "/scratch/coder-agent.log" },
  ], "CODER_AGENT_LOGGING_STACKDRIVER"]);
});

Deno.test("startSettings() sorts subsystems, each once", () => {
  const settings = read([], { CODER_AGENT_SUBSYSTEM: "exectrace, envbox,envbox" });

  assertEquals(at(settings, "plugins.controlplane.config.subsystems"), [
    ["envbox", "exectrace"],
    "CODER_AGENT_SUBSYSTEM",
  ]);
});

Deno.test("startSettings() says what is without effect, when somebody asks for it, and only then", () => {
  assertEquals(warnings(read([])), []);
  assertEquals(warnings(read(["--devcontainers-enable=false", "--tailnet-listen-port=0"])), []);
  assertEquals(
    warnings(read(["--tailnet-listen-port=41641"], {
      CODER_AGENT_NAME: "main",
      CODER_AGENT_DEVCONTAINERS_ENABLE: "true",
      CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE: "true",
    })),
    [
      "--tailnet-listen-port: this agent is in no tailnet",
      "CODER_AGENT_NAME: this agent proves itself with a token",
      "CODER_AGENT_DEVCONTAINERS_ENABLE, CODER_AGENT_DEVCONTAINERS_PROJECT_DISCOVERY_ENABLE: this agent runs no dev containers",
    ],
  );
  const notes = (...flags: string[]) => read(flags).notes.map(({ message }) => message);
  assertEquals(notes("--pprof-address=127.0.0.1:6060")[1], "pprof is not served: this runtime has no such profiles");
  assertEquals(notes("--pprof-address=")[1], "pprof address is empty, disabling pprof server");
});

Deno.test("startSettings() leaves out settings of plugins that the binary does not have, and says so", () => {
  const settings = read(["--block-file-transfer=true"], {}, ["dropin"]);

  assertEquals(Object.keys(settings.defaults.plugins as object), ["dropin"]);
  assertEquals(at(settings, "plugins.ssh.config.blockFileTransfer"), undefined);
  assertEquals(warnings(settings), ['--block-file-transfer: no plugin "ssh" in this binary']);
});

Deno.test("startSettings() has the reference's places below the configuration file", () => {
  const { defaults } = read([], { TMPDIR: "/scratch" });

  assertEquals(defaults, {
    plugins: {
      dropin: {
        enabled: true,
        config: {
          prometheusAddress: "127.0.0.1:2112",
          debugAddress: "127.0.0.1:2113",
          logFile: "/scratch/coder-agent.log",
        },
      },
      controlplane: { config: { exposeToken: true, reinit: true } },
      scripts: { config: { logDir: "/scratch" } },
      ssh: { enabled: true, config: { listen: null, unix: "/run/user/1/outpost/ssh.sock" } },
    },
  });
});

for (
  const [what, flags, env, message] of [
    ["no address", [], { CODER_AGENT_URL: "" }, "set CODER_AGENT_URL"],
    ["no token", [], { CODER_AGENT_TOKEN: "" }, "set CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE"],
    ["another way to prove itself", ["--auth=aws-instance-identity"], {}, "with a token"],
    ["a header that is none", ["--agent-header=x y"], {}, "expected NAME=VALUE"],
    ["a time that is none", [], { CODER_AGENT_SSH_MAX_TIMEOUT: "3 days" }, "Cannot read duration"],
    ["a switch that is none", ["--socket-server-enabled=maybe"], {}, 'expected true or false, got "maybe"'],
  ] as const
) {
  Deno.test(`startSettings() refuses ${what}`, () => {
    const error = assertThrows(() => read(flags, env), ConfigError);

    assertEquals(error.problems.map((problem) => problem.message.includes(message)), [true], error.message);
  });
}
