import { assertEquals, assertStringIncludes } from "@std/assert";

import { type AnyDefinition, readDefinition } from "./definition.ts";
import { makePlan, type PlanEntry } from "./plan.ts";
import { type AnyNeed, definePlugin, defineService, optional } from "./plugin.ts";

const host = { os: "linux", arch: "x86_64", agentVersion: "1.0.0", denoVersion: "2.9.0" } as const;

interface Wish {
  needs?: readonly (string | AnyNeed)[];
  provides?: readonly string[];
  mount?: string | readonly string[];
  enabledByDefault?: boolean;
  supported?: AnyDefinition["supported"];
  enabled?: boolean;
  required?: boolean;
}

function entry(id: string, wish: Wish = {}): PlanEntry {
  const needs = (wish.needs ?? []).map((need) => typeof need === "string" ? defineService<unknown>(need) : need);
  const definition = definePlugin({
    id,
    version: "1.0.0",
    api: 1,
    summary: "A plugin of a test.",
    stability: "stable",
    mount: wish.mount,
    enabledByDefault: wish.enabledByDefault,
    supported: wish.supported,
    needs: Object.fromEntries(needs.map((need, index) => [`n${index}`, need])),
    provides: wish.provides?.map((token) => defineService(token)),
    setup() {},
  });
  return { definition: definition as AnyDefinition, enabled: wish.enabled, required: wish.required, source: "a.jsonc" };
}

function plan(entries: readonly PlanEntry[], external?: ReadonlySet<string>) {
  const { plugins, problems } = makePlan({ entries, host, external, reserved: new Set(["info"]) });
  return {
    order: plugins.filter((p) => p.verdict === "run").map((p) => p.definition.id),
    reasons: Object.fromEntries(plugins.filter((p) => p.reason !== undefined).map((p) => [p.definition.id, p.reason])),
    problems: problems.map((problem) => `${problem.source} ${problem.path}: ${problem.message}`),
  };
}

Deno.test("makePlan() puts providers first and keeps the listed order otherwise", () => {
  const { order, problems } = plan([
    entry("first"),
    entry("user", { needs: ["base/thing"] }),
    entry("base", { provides: ["base/thing"] }),
    entry("last"),
  ]);

  assertEquals(order, ["first", "base", "user", "last"]);
  assertEquals(problems, []);
});

Deno.test("makePlan() orders an optional provider first and runs without it", () => {
  const wants = entry("user", { needs: [optional(defineService("base/thing"))] });

  assertEquals(plan([wants, entry("base", { provides: ["base/thing"] })]).order, ["base", "user"]);
  assertEquals(plan([wants]).order, ["user"]);
});

Deno.test("makePlan() reports every problem at once, each with its place", () => {
  const { problems } = plan([
    entry("aa", { needs: ["bb/x"], provides: ["aa/x"] }),
    entry("bb", { needs: ["aa/x"], provides: ["bb/x"] }),
    entry("cc", { needs: ["nobody/x"] }),
    entry("dd", { mount: "same" }),
    entry("ee", { mount: ["same", "info"] }),
    entry("ff", { provides: ["aa/x"] }),
    entry("dd"),
    entry("gg", { enabled: false, required: true }),
  ]);

  const expected = [
    'a.jsonc plugins.dd: plugin "dd" is listed twice',
    'a.jsonc plugins.ff: service "aa/x" is provided by "aa" and by "ff"',
    'a.jsonc plugins.ee: mount "/api/v0/same" is already claimed by plugin "dd"',
    'a.jsonc plugins.ee: mount "/api/v0/info" is already claimed by the agent itself',
    'a.jsonc plugins.cc: plugin "cc" needs service "nobody/x" and no plugin of this agent provides it',
    'a.jsonc plugins.aa: plugins need each other: "aa" -> "bb" -> "aa"',
    'a.jsonc plugins.gg: plugin "gg" is required and cannot run: switched off in the configuration',
  ];
  assertEquals(problems.length, expected.length, problems.join("\n"));
  expected.forEach((text, index) => assertStringIncludes(problems[index] ?? "", text));
});

Deno.test("makePlan() skips what needs a disabled or unsupported provider and names the chain", () => {
  const { order, reasons, problems } = plan([
    entry("base", { provides: ["base/x"], supported: () => ({ reason: "needs Linux 6" }) }),
    entry("middle", { needs: ["base/x"], provides: ["middle/x"] }),
    entry("top", { needs: ["middle/x"] }),
    entry("off", { provides: ["off/x"], enabledByDefault: false }),
    entry("user", { needs: ["off/x"] }),
    entry("other"),
  ]);

  assertEquals(order, ["other"]);
  assertEquals(problems, []);
  assertEquals(reasons, {
    base: "needs Linux 6",
    middle: 'needs "base/x" of plugin "base", which is skipped: needs Linux 6',
    top: 'needs "middle/x" of plugin "middle", which is skipped: ' +
      'needs "base/x" of plugin "base", which is skipped: needs Linux 6',
    off: "off by default",
    user: 'needs "off/x" of plugin "off", which is disabled',
  });
});

Deno.test("makePlan() lets the configuration switch on what is off by default", () => {
  assertEquals(plan([entry("off", { enabledByDefault: false, enabled: true })]).order, ["off"]);
});

Deno.test("makePlan() ignores the mounts and services of disabled plugins", () => {
  const { problems } = plan([
    entry("aa", { mount: "same", provides: ["aa/x"] }),
    entry("bb", { mount: "same", provides: ["aa/x"], enabled: false }),
  ]);

  assertEquals(problems, []);
});

Deno.test("makePlan() takes services from outside as given", () => {
  assertEquals(plan([entry("user", { needs: ["fake/x"] })], new Set(["fake/x"])).problems, []);
});

Deno.test("readDefinition() names every field that is wrong", () => {
  const { problems } = readDefinition({ id: "Bad Id", version: "one", api: 2, stability: "great", mount: "a/b" });

  assertEquals(problems.length, 7);
  assertStringIncludes(problems.join("\n"), "needs contract 2; this agent speaks 1: update the agent");
});

Deno.test("readDefinition() says what a contract's number and permissions can be", () => {
  const right = { id: "right", version: "1.0.0", api: 1, stability: "stable", summary: "Right.", setup() {} };
  const problemsWith = (part: object) => readDefinition({ ...right, ...part }).problems;

  assertEquals(problemsWith({ permissions: { net: true, read: ["/etc"], run: [] } }), []);
  assertEquals(problemsWith({ api: 3 }), [
    "needs contract 3; this agent speaks 1: update the agent, or write the plugin for 1",
  ]);
  assertEquals(problemsWith({ api: "1" }), ['api is "1": expected 1, the contract it is written for']);
  assertEquals(problemsWith({ permissions: { red: true, net: "x", env: ["A", 1] } }), [
    'permissions has "red", where there are read, write, net, env, run, sys, ffi; and "net": "x", where true or a list of ' +
    'names is expected; and "env": an object, where true or a list of names is expected',
  ]);
  assertEquals(problemsWith({ permissions: true }), [
    "permissions is true: expected an object such as { net: true }",
  ]);
});

Deno.test("readDefinition() refuses what is no plugin at all", () => {
  assertStringIncludes(readDefinition(undefined).problems[0] ?? "", "not undefined");
  assertStringIncludes(readDefinition({ default: 1 }).problems[0] ?? "", "not an object");
});
