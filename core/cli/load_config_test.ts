import { assertEquals, assertThrows } from "@std/assert";

import { ConfigError } from "../errors.ts";
import { parseFlags } from "./flags.ts";
import { CONFIG_FLAGS, loadConfig, SETTING_FLAGS } from "./load_config.ts";

const ENV = { XDG_RUNTIME_DIR: "/run/user/1" };

function load(args: readonly string[], env: Record<string, string> = {}) {
  const flags = parseFlags(args, { command: "start", flags: [...SETTING_FLAGS, ...CONFIG_FLAGS], words: [0, 0] });
  return loadConfig({ flags, env: { ...ENV, ...env }, cwd: "/project", program: { plugins: [] } });
}

Deno.test("loadConfig() listens on a free port and on the private socket, with the token beside it", () => {
  const { agent } = load([]);

  assertEquals(agent.listen, {
    tcp: "127.0.0.1:0",
    unix: "/run/user/1/outpost/agent.sock",
    agentSocket: "/run/user/1/outpost/rpc.sock",
  });
  assertEquals(agent.tokenFile, "/run/user/1/outpost/agent.token");
});

Deno.test("loadConfig() reads every named flag", () => {
  const { agent, origin } = load([
    ...["--listen", "127.0.0.1:1", "--unix", "a.sock", "--dir", "d", "--token-file", "t"],
    ...["--log-format", "json", "--log-level", "debug", "--set", "agent.http.handlerMs=5"],
  ]);

  assertEquals([agent.listen.tcp, agent.listen.unix], ["127.0.0.1:1", "/project/a.sock"]);
  assertEquals([agent.directory, agent.tokenFile], ["/project/d", "/project/t"]);
  assertEquals(agent.log, { level: "debug", format: "json" });
  assertEquals(agent.http.handlerMs, 5);
  assertEquals(origin("agent.listen.tcp"), "--listen");
});

Deno.test("loadConfig() keeps the token files of two agents with two sockets apart", () => {
  assertEquals(load(["--unix", "/x/one.sock"]).agent.tokenFile, "/x/one.token");
  assertEquals(load(["--unix", "/x/two"]).agent.tokenFile, "/x/two.token");
});

Deno.test("loadConfig() takes OUTPOST_TOKEN, and then writes no file", () => {
  const { agent } = load([], { OUTPOST_TOKEN: "geheim" });

  assertEquals(agent.token?.reveal(), "geheim");
  assertEquals(agent.tokenFile, undefined);
});

Deno.test("loadConfig() reads OUTPOST_CONFIG, and --config before it", () => {
  const missing = (args: string[], env: Record<string, string>) =>
    assertThrows(() => load(args, env), ConfigError).problems[0]!.source;

  assertEquals(missing([], { OUTPOST_CONFIG: "/missing/a.jsonc" }), "/missing/a.jsonc");
  assertEquals(missing(["--config", "b.jsonc"], { OUTPOST_CONFIG: "/missing/a.jsonc" }), "/project/b.jsonc");
});

Deno.test("loadConfig() lays the words of another program around the file: defaults below it, values above it", async () => {
  const file = await Deno.makeTempFile({ suffix: ".jsonc" });
  await Deno.writeTextFile(
    file,
    '{ "agent": { "directory": "/of/file", "http": { "handlerMs": 1, "maxBodyBytes": 2 } } }',
  );
  const flags = parseFlags(["--config", file, "--set", "agent.http.maxBodyBytes=4", "--log-level=warn"], {
    ...{ command: "serve", flags: [...SETTING_FLAGS, ...CONFIG_FLAGS], words: [0, 0] },
  });

  const { agent, origin } = loadConfig({
    ...{ flags, env: ENV, cwd: "/project", program: { plugins: [] } },
    settings: {
      defaults: { agent: { directory: "/default", tokenFile: "/default/token" } },
      overrides: [
        { path: ["agent", "http", "handlerMs"], value: 3, source: "--patience" },
        { path: ["agent", "log", "level"], value: "debug", source: "--verbose" },
      ],
    },
  });

  assertEquals([agent.directory, agent.tokenFile], ["/of/file", "/default/token"]);
  assertEquals([agent.http.handlerMs, agent.http.maxBodyBytes, agent.log.level], [3, 4, "warn"]);
  assertEquals([origin("agent.http.handlerMs"), origin("agent.tokenFile")], ["--patience", "default"]);
  assertEquals(agent.listen.unix, "/run/user/1/outpost/agent.sock");
  await Deno.remove(file);
});
