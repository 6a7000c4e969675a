import { assertEquals } from "@std/assert";

import { substitute } from "./substitution.ts";

function run(value: unknown) {
  return substitute(value, ["plugins", "acme"], {
    env: { A: "one", EMPTY: "" },
    readTextFile: (path) => {
      if (path === "/cfg/multi") return "a\nb\r\n";
      throw new Error("no such file");
    },
    originOf: () => ({ source: "/cfg/agent.jsonc:1:2", baseDir: "/cfg" }),
  });
}

Deno.test("substitute() replaces whole values at any depth and says which", () => {
  const { value, opened, problems } = run({
    a: "${env:A}",
    list: [{ b: "${file:multi}" }],
    n: 1,
    empty: "${env:EMPTY}",
  });

  assertEquals(value, { a: "one", list: [{ b: "a\nb" }], n: 1, empty: "" });
  assertEquals([...opened], ["plugins.acme.a", "plugins.acme.list.0.b", "plugins.acme.empty"]);
  assertEquals(problems, []);
});

Deno.test("substitute() does not look into what it brought in, nor into keys", () => {
  assertEquals(run({ "${env:A}": "$A ${x} {env:A}" }).value, { "${env:A}": "$A ${x} {env:A}" });
});

Deno.test("substitute() names path and place of everything it cannot bring in", () => {
  const { problems } = run({ a: "${env:NO}", b: "${file:no}", c: "x${env:A}", d: "${env:}" });

  assertEquals(problems.map(({ path, message }) => `${path}: ${message}`), [
    'plugins.acme.a: the environment variable "NO" is not set',
    'plugins.acme.b: cannot read the file "/cfg/no": no such file',
    "plugins.acme.c: the value mixes text and a substitution: only whole values are substituted",
    "plugins.acme.d: the value mixes text and a substitution: only whole values are substituted",
  ]);
  assertEquals(new Set(problems.map(({ source }) => source)), new Set(["/cfg/agent.jsonc:1:2"]));
});
