import { assertEquals, assertThrows } from "@std/assert";

import { ConfigError } from "../../core/errors.ts";
import { parseAgentsFile, readAgentsFile } from "./agents_file.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";

function problemsOf(text: string): readonly string[] {
  const error = assertThrows(() => parseAgentsFile(text, "agents.jsonc"), ConfigError);
  return error.problems.map(({ source, path, message }) => `${source} ${path}: ${message}`);
}

Deno.test("readAgentsFile() reads the file that comes with the example", async () => {
  const { agents } = await readAgentsFile(new URL("agents.jsonc", import.meta.url).pathname);

  assertEquals(agents.map(({ name }) => name), ["dev", "spare"]);
});

Deno.test("parseAgentsFile() gives agents, scripts and apps without an id the same one each time", () => {
  const text = `{ "agents": [{ "name": "a", "token": "${TOKEN}", "apps": [{ "slug": "x" }],
    "scripts": [{ "name": "s", "script": "true" }] }] }`;

  const [first] = parseAgentsFile(text, "f").agents;
  const [second] = parseAgentsFile(text, "f").agents;

  assertEquals(first, second);
  assertEquals(new Set([first!.id, first!.apps[0]!.id, first!.scripts[0]!.id]).size, 3);
});

Deno.test("parseAgentsFile() names every problem with its line, and shows no token", () => {
  const problems = problemsOf(`{
    "agents": [
      { "name": "a", "token": "not-a-uuid" },
      { "name": "", "token": "${TOKEN}", "enviroment": {} }
    ]
  }`);

  assertEquals(problems.length, 3, problems.join("\n"));
  assertEquals(
    problems.filter((text) => text.includes("agents.jsonc:3:") && text.includes("agents.0.token")).length,
    1,
  );
  assertEquals(problems.filter((text) => text.includes("agents.jsonc:4:")).length, 2);
  assertEquals(problems.filter((text) => text.includes("environment")).length, 1, problems.join("\n"));
  assertEquals(problems.filter((text) => text.includes("not-a-uuid")).length, 0);
});

Deno.test("parseAgentsFile() refuses two agents with one token, whatever its case", () => {
  const problems = problemsOf(`{ "agents": [
    { "name": "a", "token": "${TOKEN}" },
    { "name": "b", "token": "${TOKEN.toUpperCase()}" }
  ] }`);

  assertEquals(problems, ["agents.jsonc:3:29 agents.1.token: agents.0 has the same token"]);
});

Deno.test("parseAgentsFile() says where the text is no JSON", () => {
  assertEquals(problemsOf("{\n  nonsense\n}").map((text) => text.slice(0, 16)), ["agents.jsonc:2:3"]);
});
