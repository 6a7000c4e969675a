/**
 * Every flag and variable of Coder's agent, against the settings of the plugins as they are.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";

import { parseFlags } from "../core/cli/flags.ts";
import { CONFIG_FLAGS, loadConfig } from "../core/cli/load_config.ts";
import { checkPlugins } from "../core/config/check_plugins.ts";
import { readDefinition } from "../core/definition.ts";
import { ConfigError } from "../core/errors.ts";
import { START_FLAGS } from "../plugins/dropin/start_flags.ts";
import { startSettings } from "../plugins/dropin/start_settings.ts";
import { standardPlugins } from "../plugins/standard.ts";

/** A value for each kind of flag. */
const VALUES: Readonly<Record<string, string>> = {
  URL: "https://coder.example",
  TOKEN: "t",
  FILE: "/file",
  KIND: "token",
  NAME: "main",
  "NAME=VALUE": "X-A=b",
  LINE: "true",
  DIR: "/dir",
  "HOST:PORT": "127.0.0.1:0",
  TIME: "72h",
  BOOL: "true",
  PATH: "/path",
  PORT: "1",
};

function resolve(env: Record<string, string>) {
  const plugins = new Set(standardPlugins.map(({ id }) => id));
  const settings = startSettings({ flag: () => [], env, cwd: "/", plugins });
  const flags = parseFlags([], { command: "agent", flags: CONFIG_FLAGS, words: [0, 0] });
  return loadConfig({ flags, env, cwd: "/", program: { plugins: standardPlugins }, settings });
}
const definitions = standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []);

Deno.test("every variable of Coder's agent stands for a setting that there is", () => {
  const env = Object.fromEntries(START_FLAGS.map(({ variable, value }) => [variable!, VALUES[value]!]));

  const config = resolve({ ...env, CODER_AGENT_SUBSYSTEM: "envbuilder", CODER_AGENT_TOKEN_FILE: "" });
  const { configs, problems } = checkPlugins(config, definitions);

  assertEquals(problems, []);
  const of = (plugin: string) => configs.get(plugin) as Readonly<Record<string, unknown>>;
  assertEquals([of("ssh").blockFileTransfer, of("ssh").maxTimeoutMs, of("ssh").listen], [true, 259_200_000, null]);
  assertEquals([of("scripts").logDir, of("boundarylogs").socketPath], ["/dir", "/path"]);
  assertEquals([of("controlplane").subsystems, of("controlplane").exposeToken], [["envbuilder"], true]);
  assertEquals([config.agent.listen.agentSocket, config.agent.scriptDataDir], ["/path", "/dir"]);
  assertEquals(config.agent.controlPlane.headers, { "X-A": "b" });
});

Deno.test("a wrong value of a variable is reported with the variable's name", () => {
  const env = { CODER_AGENT_URL: "nonsense", CODER_AGENT_TOKEN: "t", CODER_AGENT_SUBSYSTEM: "envbox,other" };

  const { problems } = assertThrows(() => resolve(env), ConfigError);

  assertEquals(problems.map(({ source }) => source), ["CODER_AGENT_URL", "CODER_AGENT_SUBSYSTEM"]);
});
