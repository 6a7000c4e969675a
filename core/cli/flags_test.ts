import { assertEquals, assertThrows } from "@std/assert";

import { type FlagSpec, parseFlags, UsageError } from "./flags.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "config", value: "FILE", summary: "" },
  { name: "set", value: "PATH=VALUE", isList: true, summary: "" },
  { name: "log-format", value: "FORMAT", choices: ["pretty", "json"], summary: "" },
  { name: "json", summary: "" },
];

function parse(
  args: readonly string[],
  words: readonly [number, number] = [0, Infinity],
  usage?: string,
) {
  return parseFlags(args, { command: "start", flags: FLAGS, words, usage });
}

function refuse(args: readonly string[], words: readonly [number, number] = [0, 0], usage?: string): string {
  return assertThrows(() => parse(args, words, usage), UsageError).message;
}

Deno.test("parseFlags() reads values, lists and switches in both spellings", () => {
  const flags = parse(["--config", "a b", "--set=x=1", "--set", "y=2", "--json"]);

  assertEquals(flags.text("config"), "a b");
  assertEquals(flags.list("set"), ["x=1", "y=2"]);
  assertEquals(flags.has("json"), true);
  assertEquals(flags.text("log-format"), undefined);
  assertEquals(flags.words, []);
});

Deno.test("parseFlags() keeps a value that looks like a number a text", () => {
  assertEquals(parse(["--config", "007"]).text("config"), "007");
  assertEquals(parse(["007", "1e3"]).words, ["007", "1e3"]);
});

Deno.test("parseFlags() leaves the flags of another command alone, with and without --", () => {
  assertEquals(parse(["--json", "ls", "--json", "--bogus"]).words, ["ls", "--json", "--bogus"]);
  assertEquals(parse(["--json", "--", "--config", "x"]).words, ["--config", "x"]);
  assertEquals(parse(["--", "sh", "-c", "a -- b", "--", "x"]).words, ["sh", "-c", "a -- b", "--", "x"]);
});

Deno.test("parseFlags() refuses an unknown flag and suggests the nearest", () => {
  assertEquals(refuse(["--confg", "x"]), 'Unknown flag "--confg" of "start" (did you mean "--config"?)');
  assertEquals(refuse(["-x"]), 'Unknown flag "-x" of "start"');
  assertEquals(refuse(["--zebra=1"]), 'Unknown flag "--zebra" of "start"');
});

Deno.test("parseFlags() refuses a missing value, a value twice, and one that is no choice", () => {
  assertEquals(refuse(["--config"]), 'The flag "--config" needs a value: --config FILE');
  assertEquals(refuse(["--config", "a", "--config", "b"]), 'The flag "--config" is given twice');
  assertEquals(refuse(["--log-format", "xml"]), 'The flag "--log-format" is one of pretty, json, got "xml"');
});

Deno.test("parseFlags() refuses too few and too many words", () => {
  assertEquals(refuse(["a"]), 'Cannot understand "a" after "start"');
  assertEquals(refuse([], [1, 1]), 'Something is missing after "start" (see: help start)');
  assertEquals(refuse([], [1, 1], "FILE"), 'Something is missing after "start": FILE (see: help start)');
});

Deno.test("parseFlags() lets a flag stand alone or have a value behind its equals sign", () => {
  const flags = [{ name: "block", value: "BOOL", bare: "true", summary: "" }, {
    name: "at",
    value: "X",
    mayBeEmpty: true,
    summary: "",
  }];
  const parse = (...args: string[]) => parseFlags(args, { command: "c", flags, words: [0, 2] });

  assertEquals(parse("--block").text("block"), "true");
  assertEquals(parse("--block=false").text("block"), "false");
  assertEquals(parse("--block", "word").words, ["word"]);
  assertEquals(parse().text("block"), undefined);
  assertEquals(parse("--", "--block").words, ["--block"]);
  assertEquals([parse("--at=").text("at"), parse("--at", "").text("at"), parse().text("at")], ["", "", undefined]);
  assertEquals([parse("--at", "").words, parse("--at", "x").text("at")], [[], "x"]);
});
