import { assertEquals, assertThrows } from "@std/assert";

import { definePlugin } from "../plugin.ts";
import { UsageError } from "./flags.ts";
import { commandTable, findCommand } from "./table.ts";

const syncing = definePlugin({
  id: "syncing",
  version: "1.0.0",
  api: 1,
  summary: "Synchronises.",
  stability: "beta",
  setup() {},
  commands: [
    { name: "sync ping", summary: "Ping.", load: () => Promise.resolve(() => Promise.resolve(0)) },
    { name: "start", summary: "Not this one.", load: () => Promise.resolve(() => Promise.resolve(0)) },
  ],
});
const table = commandTable([syncing]);

function refuse(...words: string[]): string {
  return assertThrows(() => findCommand(table, words), UsageError).message;
}

Deno.test("commandTable() joins the plugins' commands, without letting them take a name of the core's", () => {
  assertEquals(table.filter(({ command }) => command.name === "start").map(({ owner }) => owner), ["core"]);
  assertEquals(table.find(({ command }) => command.name === "sync ping")?.owner, "plugin");
});

Deno.test("findCommand() finds names of one and of two words, and leaves the rest", () => {
  assertEquals(findCommand(table, ["sync", "ping", "--x"]).args, ["--x"]);
  assertEquals(findCommand(table, ["exec", "config", "check"]).entry.command.name, "exec");
});

Deno.test("findCommand() suggests the nearest command", () => {
  assertEquals(refuse("statr"), 'Unknown command "statr" (did you mean "start"?)');
  assertEquals(refuse("config", "chek"), 'Unknown command "config chek" (did you mean "config check"?)');
  assertEquals(refuse("zebra"), 'Unknown command "zebra"');
});

Deno.test("findCommand() says what may follow the first of two words", () => {
  assertEquals(refuse("config"), '"config" is followed by one of: check, print, schema');
  assertEquals(refuse("config", "--help"), '"config" is followed by one of: check, print, schema');
});
