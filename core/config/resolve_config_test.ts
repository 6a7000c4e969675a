import { assertEquals, assertNotMatch, assertStringIncludes, assertThrows } from "@std/assert";

import { z } from "zod";

import { ConfigError, type ConfigProblem } from "../errors.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import { resolveConfig, type ResolveConfigOptions } from "./resolve_config.ts";

const FILE = "/etc/outpost/agent.jsonc";

function load(text: string, options: ResolveConfigOptions = {}): LoadedConfig {
  return resolveConfig({ file: FILE, text, cwd: "/project", ...options });
}

function problemsOf(text: string, options: ResolveConfigOptions = {}): readonly ConfigProblem[] {
  return assertThrows(() => load(text, options), ConfigError).problems;
}

function only(text: string, options: ResolveConfigOptions = {}): ConfigProblem {
  const problems = problemsOf(text, options);
  assertEquals(problems.length, 1, JSON.stringify(problems));
  return problems[0]!;
}

Deno.test("resolveConfig() makes a usable agent of nothing", () => {
  const { agent, entries, file } = resolveConfig();

  assertEquals(agent.listen, { tcp: "127.0.0.1:0", unix: null, agentSocket: null });
  assertEquals(agent.shutdown, { drainMs: 5_000, totalMs: 15_000 });
  assertEquals(agent.deadlines, { setupMs: 10_000, startMs: 10_000, readyMs: 5_000, stopMs: 5_000 });
  assertEquals(agent.allowImport, true);
  assertEquals(agent.log, { level: "info", format: "auto" });
  assertEquals(entries.size, 0);
  assertEquals(file, undefined);
});

Deno.test("resolveConfig() takes $schema and ignores it", () => {
  assertEquals(load('{ "$schema": "./agent.schema.json" }').entries.size, 0);
});

Deno.test("resolveConfig() lets sets win over the file and the later of two sets over the earlier", () => {
  const config = load('{ "agent": { "log": { "level": "warn", "format": "json" } } }', {
    sets: ["agent.log.level=error", "agent.log.level=debug"],
  });

  assertEquals(config.agent.log, { level: "debug", format: "json" });
});

Deno.test("resolveConfig() lets overrides win over sets and defaults lose to the file", () => {
  const config = load('{ "agent": { "http": { "handlerMs": 1 } } }', {
    defaults: { agent: { http: { handlerMs: 9 }, listen: { unix: "/run/a.sock", tcp: "127.0.0.1:1" } } },
    sets: ["agent.listen.tcp=127.0.0.1:2"],
    overrides: [{ path: ["agent", "listen", "tcp"], value: "127.0.0.1:3", source: "--listen" }],
  });

  assertEquals(config.agent.http.handlerMs, 1);
  assertEquals(config.agent.listen, { tcp: "127.0.0.1:3", unix: "/run/a.sock", agentSocket: null });
  assertEquals(config.origin("agent.listen.tcp"), "--listen");
  assertEquals(config.origin("agent.http.handlerMs"), `${FILE}:1:37`);
  assertEquals(config.origin("agent.listen.unix"), "default");
});

Deno.test("resolveConfig() turns the short form of an entry into the long one, which sets can extend", () => {
  const { entries } = load('{ "plugins": { "desktop": false, "ssh": true } }', {
    sets: ["plugins.desktop.enabled=true", "plugins.ssh=false"],
  });

  assertEquals(entries.get("desktop")?.enabled, true);
  assertEquals(entries.get("ssh")?.enabled, false);
});

Deno.test("resolveConfig() reads every word of an entry and makes from absolute beside the file", () => {
  const hash = "AB".repeat(32);
  const { entries } = load(
    `{ "plugins": { "acme": { "from": "./acme.ts", "sha256": "${hash}", "required": true, "config": { "a": 1 } } } }`,
  );

  assertEquals(entries.get("acme"), {
    id: "acme",
    enabled: undefined,
    from: "/etc/outpost/acme.ts",
    sha256: hash.toLowerCase(),
    onFailure: "abort",
    config: { a: 1 },
    source: `${FILE}:1:24`,
  });
});

Deno.test("resolveConfig() makes paths absolute: the file's from its directory, flags' from the working directory", () => {
  const { agent } = load('{ "agent": { "directory": "home", "listen": { "unix": "a.sock" } } }', {
    sets: ["agent.tokenFile=t/token"],
  });

  assertEquals(agent.directory, "/etc/outpost/home");
  assertEquals(agent.listen.unix, "/etc/outpost/a.sock");
  assertEquals(agent.tokenFile, "/project/t/token");
});

Deno.test("resolveConfig() says line and column of text that does not parse", () => {
  const problem = only('{\n  "agent": {,}\n}');

  assertEquals(problem.source, `${FILE}:2:13`);
  assertStringIncludes(problem.message, 'cannot parse the file: "," is not expected here');
});

Deno.test("resolveConfig() says which file cannot be read", () => {
  const problem = assertThrows(() => resolveConfig({ file: "/missing/agent.jsonc" }), ConfigError).problems[0]!;

  assertEquals(problem.source, "/missing/agent.jsonc");
  assertStringIncludes(problem.message, "cannot read the file");
});

Deno.test("resolveConfig() lists all problems at once, each with its path and place", () => {
  const problems = problemsOf(
    `{
  "agnt": {},
  "agent": { "shutdown": { "drainMs": "5s" }, "listen": { "tpc": null } },
  "plugins": { "Bad Id": {}, "ssh": { "onFailure": "ignore" }, "git": 5 }
}`,
    { sets: ["nonsense"] },
  );

  assertEquals(problems.map(({ source, path }) => `${source} ${path}`), [
    "--set ",
    `${FILE}:2:11 agnt`,
    `${FILE}:3:66 agent.listen.tpc`,
    `${FILE}:3:39 agent.shutdown.drainMs`,
    `${FILE}:4:26 plugins.Bad Id`,
    `${FILE}:4:52 plugins.ssh.onFailure`,
    `${FILE}:4:71 plugins.git`,
  ]);
  assertStringIncludes(problems[1]!.message, 'did you mean "agent"?');
  assertStringIncludes(problems[2]!.message, 'did you mean "tcp"?');
  assertEquals(problems[3]!.message, 'expected number, got "5s"');
});

Deno.test("resolveConfig() lists what is wrong with plugins together with the rest, each once", () => {
  const plugins = [{ id: "acme", config: z.strictObject({ max: z.number(), key: z.string() }) }];
  const problems = problemsOf(
    '{ "agent": { "x": 1 }, "plugins": { "acm": {}, "acme": { "config": { "max": "a", "key": "${env:NO}" } } } }',
    { plugins },
  );

  assertEquals(problems.map((problem) => problem.path), [
    "agent.x",
    "plugins.acme.config.key",
    "plugins.acm",
    "plugins.acme.config.max",
  ]);
});

Deno.test("resolveConfig() refuses a key that is given twice", () => {
  const problem = only('{ "agent": {},\n"agent": {} }');

  assertEquals(problem, { path: "agent", message: "the key is given twice in one object", source: `${FILE}:2:1` });
});

for (const tcp of ["4280", "localhost", "127.0.0.1:99999", "a b:1", "::1:80"]) {
  Deno.test(`resolveConfig() refuses ${tcp} as an address`, () => {
    assertEquals(only("{}", { sets: [`agent.listen.tcp="${tcp}"`] }).path, "agent.listen.tcp");
  });
}

for (const tcp of ["127.0.0.1:0", "localhost:65535", "[::1]:80"]) {
  Deno.test(`resolveConfig() accepts ${tcp} as an address`, () => {
    assertEquals(load("{}", { sets: [`agent.listen.tcp=${tcp}`] }).agent.listen.tcp, tcp);
  });
}

Deno.test("resolveConfig() refuses required together with another failure policy", () => {
  const problem = only('{ "plugins": { "ssh": { "required": true, "onFailure": "retry" } } }');

  assertStringIncludes(problem.message, "remove one of them");
});

Deno.test("resolveConfig() refuses a hash without a file, and roads it cannot load from", () => {
  const hash = "a".repeat(64);

  assertEquals(only(`{ "plugins": { "ssh": { "sha256": "${hash}" } } }`).path, "plugins.ssh.sha256");
  assertStringIncludes(only('{ "plugins": { "acme": { "from": "https://x/y.ts" } } }').message, "files only");
  for (const more of ["", ', "attached": true']) {
    assertStringIncludes(
      only(`{ "plugins": { "acme": { "from": "./acme.py"${more} } } }`).message,
      '"./acme.py" is no TypeScript or JavaScript: a plugin in another language is a program, "from": "exec:./acme.py"',
    );
  }
  assertStringIncludes(
    only('{ "plugins": { "acme": { "from": "../.." } } }').message,
    '"/" is a folder: name the file in it, such as "../../mod.ts"',
  );
});

Deno.test("resolveConfig() substitutes variables and files, and drops a file's last newline", () => {
  const { entries } = load('{ "plugins": { "ssh": { "config": { "a": "${env:A}", "b": ["${file:key}"] } } } }', {
    env: { A: "one" },
    readTextFile: (path) => `text of ${path}\n`,
  });

  assertEquals(entries.get("ssh")?.config, { a: "one", b: ["text of /etc/outpost/key"] });
});

Deno.test("resolveConfig() reports variables and files that are missing, once each", () => {
  const problems = problemsOf('{ "agent": { "token": "${env:NO}", "directory": "${file:/no}" } }', {
    readTextFile: () => {
      throw new Error("gone");
    },
  });

  assertEquals(problems.map((problem) => `${problem.path}: ${problem.message}`), [
    'agent.token: the environment variable "NO" is not set',
    'agent.directory: cannot read the file "/no": gone',
  ]);
});

Deno.test("resolveConfig() refuses a substitution in the middle of a text, without repeating the text", () => {
  const problem = only('{ "agent": { "token": "geheim-${env:A}" } }', { env: { A: "x" } });

  assertStringIncludes(problem.message, "only whole values");
  assertNotMatch(problem.message, /geheim/);
});

Deno.test("resolveConfig() does not ask for the variables of a plugin that is switched off", () => {
  const { entries } = load('{ "plugins": { "ssh": { "enabled": false, "config": { "key": "${env:NO}" } } } }');

  assertEquals(entries.get("ssh")?.enabled, false);
});

Deno.test("resolveConfig() never repeats a secret in a problem", () => {
  const problems = problemsOf('{ "agent": { "token": ["geheim1"], "log": { "level": "${env:LEVEL}" } } }', {
    env: { LEVEL: "geheim2" },
  });

  assertEquals(problems.map((problem) => problem.path), ["agent.token", "agent.log.level"]);
  assertNotMatch(JSON.stringify(problems), /geheim/);
});

Deno.test("resolveConfig() keeps the token from printing", () => {
  const config = load('{ "agent": { "token": "geheim" } }');

  assertEquals(config.agent.token?.reveal(), "geheim");
  assertNotMatch(JSON.stringify(config.agent), /geheim/);
});

Deno.test("resolveConfig() treats __proto__ as an unknown key", () => {
  assertEquals(only('{ "agent": { "__proto__": { "allowImport": false } } }').path, "agent.__proto__");
});

Deno.test("resolveConfig() reads how a plugin is attached, its path from the file's directory", () => {
  const { entries } = resolveConfig({
    file: "/etc/outpost/agent.jsonc",
    text: `{ "plugins": {
      "prog": { "from": "exec:./prog", "args": ["-v"], "env": ["TZ"], "mount": "p" },
      "file": { "from": "./file.ts", "attached": true },
      "both": { "from": "./both.ts", "attached": false }
    } }`,
  });

  assertEquals([entries.get("prog")?.from, entries.get("prog")?.attached], ["/etc/outpost/prog", {
    ...{ runs: "program", args: ["-v"], env: ["TZ"], mount: "p" },
  }]);
  assertEquals([entries.get("file")?.from, entries.get("file")?.attached], ["/etc/outpost/file.ts", {
    ...{ runs: "deno", args: [], env: [] },
  }]);
  assertEquals(entries.get("both")?.attached, undefined);
});

Deno.test("resolveConfig() refuses what only an attached plugin has, and an attached plugin without a program", () => {
  const problems = (entry: object) => {
    const error = assertThrows(() => resolveConfig({ raw: { plugins: { pp: entry } } }), ConfigError);
    return error.problems.map(({ path }) => path);
  };

  assertEquals(problems({ args: ["-v"], env: ["TZ"], mount: "p" }), [
    "plugins.pp.args",
    "plugins.pp.env",
    "plugins.pp.mount",
  ]);
  assertEquals(problems({ attached: true }), ["plugins.pp.attached"]);
  assertEquals(problems({ from: "exec:/bin/x", attached: false }), ["plugins.pp.attached"]);
  assertEquals(problems({ from: "exec:" }), ["plugins.pp.from"]);
  assertEquals(problems({ from: "https://example.org/p.ts" }), ["plugins.pp.from"]);
});
