import { assertEquals } from "@std/assert";

import { descriptorLimit, lookUpParserStack, type ParserStackFacts } from "./parser_stack.ts";

const limits = (hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units
Max processes             96000                96000                processes
Max open files            64                   ${hard.padEnd(20)} files
`;

/** What was compiled under these facts. */
async function compiled(facts: Partial<ParserStackFacts>): Promise<string[]> {
  const sources: string[] = [];
  await lookUpParserStack({
    limits: () => Promise.resolve(limits("1024")),
    isStandalone: false,
    compile: (source) => Promise.resolve(void sources.push(source)),
    ...facts,
  });
  return sources;
}

Deno.test("descriptorLimit() reads the hard limit", () => {
  assertEquals(descriptorLimit(limits("524288")), 524288);
  assertEquals(descriptorLimit(limits("unlimited")), Infinity);
  assertEquals(descriptorLimit(""), Infinity);
});

Deno.test("lookUpParserStack() compiles something where descriptors are few and modules come as source, and nowhere else", async () => {
  assertEquals((await compiled({})).length, 1);
  assertEquals(await compiled({ limits: () => Promise.resolve(limits("1048576")) }), []);
  assertEquals(await compiled({ isStandalone: true }), []);
});

Deno.test("lookUpParserStack() does without where the limit cannot be read or nothing can be compiled", async () => {
  assertEquals(await compiled({ limits: () => Promise.reject(new Deno.errors.NotFound("none")) }), []);
  assertEquals(await compiled({ compile: () => Promise.reject(new TypeError("no function")) }), []);
});
