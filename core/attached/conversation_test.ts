import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { systemClock } from "../clock.ts";
import { AttachedPluginError } from "./attached_error.ts";
import { Conversation } from "./conversation.ts";
import type { LineConnection } from "./line_channel.ts";

const HELLO = { type: "hello", protocols: [1], token: "right", id: "pp", version: "1.0.0", api: 1 };

/** What the agent says to a program that says `lines` and then ends. */
async function told(...lines: readonly object[]) {
  const conversation = new Conversation({
    id: "pp",
    token: "right",
    clock: systemClock,
    unknown() {},
    lastWords: () => Promise.resolve(),
  });
  let text = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  let written = "";
  const connection: LineConnection = {
    read(buffer) {
      const taken = text.subarray(0, buffer.length);
      buffer.set(taken);
      text = text.subarray(taken.length);
      return Promise.resolve(taken.length || null);
    },
    write: (bytes) => (written += new TextDecoder().decode(bytes), Promise.resolve(bytes.length)),
    close() {},
  };
  await conversation.accept(connection, new AbortController().signal);
  const error = await assertRejects(() => conversation.over, AttachedPluginError);
  return { said: written === "" ? undefined : JSON.parse(written), error, conversation };
}

Deno.test("Conversation.accept() refuses a program with both sides' numbers, or whatever else does not fit", async () => {
  const cases: readonly [object, string][] = [
    [
      { ...HELLO, protocols: [2, 3] },
      "this agent speaks the attached protocol 1 and the plugin speaks 2, 3: update the agent",
    ],
    [{ ...HELLO, protocols: [0] }, "and the plugin speaks 0: update the plugin"],
    [{ ...HELLO, api: 2 }, 'plugin "pp" needs contract 2; this agent speaks 1: update the agent'],
    [{ ...HELLO, id: "other" }, 'it is the plugin "other", but the entry is named "pp"'],
    [{ ...HELLO, token: "wrong" }, "its token is not the one this agent gave it"],
    [{ ...HELLO, needs: ["a/b"] }, 'plugin "pp" needs "a/b", and services do not reach an attached plugin'],
    [{ type: "log", message: "hi" }, 'it began with "log": a plugin begins with "hello"'],
    [{ ...HELLO, id: 7 }, 'its message "hello" is wrong at "id"'],
  ];

  for (const [hello, reason] of cases) {
    const { said, error } = await told(hello);
    assertEquals(said.type, "refuse");
    assertStringIncludes(said.reason, reason);
    assertEquals(error.message, said.reason);
  }
});

Deno.test("Conversation.accept() takes the newest protocol that both speak, and members it does not know", async () => {
  const { said, error, conversation } = await told({ ...HELLO, protocols: [1, 7], mood: "good" });

  assertEquals(said, undefined);
  assertEquals((await conversation.expect("hello").catch(() => undefined))?.version, "1.0.0");
  assertEquals([error.message, error.retriable], ["it closed its connection to the agent", true]);
});

Deno.test("Conversation fails with what the program says went wrong, and whether trying again may help", async () => {
  const { error } = await told(HELLO, { type: "failed", message: "no database", retriable: true });

  assertEquals([error.message, error.retriable], ["no database", true]);
});

Deno.test("Conversation fails with the first thing that is wrong", async () => {
  const { error } = await told(HELLO, { type: "health", status: "great" }, { type: "failed", message: "later" });

  assertStringIncludes(error.message, 'its message "health" is wrong at "status"');
});
