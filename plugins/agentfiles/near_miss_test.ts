import { assertEquals, assertStringIncludes } from "@std/assert";

import { describeNearMiss } from "./near_miss.ts";

Deno.test("describeNearMiss() names the lines, the first that differs, and both versions", () => {
  const content = "import a\n\nfunction f(x) {\n  return x + 1;\n}\n";

  assertEquals(
    describeNearMiss(content, ["function f(x) {\n", "  return x + 2;\n", "}\n"]),
    "; closest is lines 3-5, which first differs at line 4: " +
      'the file has "return x + 1;", the search has "return x + 2;"',
  );
});

Deno.test("describeNearMiss() finds a single line by its words", () => {
  assertStringIncludes(
    describeNearMiss("alpha beta\nconst total = price * count;\n", ["const total = price * amount;"]),
    'closest is line 2, which first differs at line 2: the file has "const total = price * count;"',
  );
});

Deno.test("describeNearMiss() shows look-alike characters as escapes", () => {
  assertStringIncludes(
    describeNearMiss("say \xe2\x80\x9chello\xe2\x80\x9d world\n", ['say "hello" world']),
    String.raw`the file has "say \u201chello\u201d world", the search has "say \"hello\" world"`,
  );
});

Deno.test("describeNearMiss() says that the file ends too early", () => {
  assertEquals(
    describeNearMiss("first line\nsecond line\n", ["second line\n", "third line\n"]),
    '; closest is lines 2-3, but the file ends where the search expects "third line"',
  );
});

Deno.test("describeNearMiss() says when nothing is similar", () => {
  assertEquals(describeNearMiss("aaa bbb\n", ["unrelated words here"]), "; no line of the file resembles it");
  assertEquals(describeNearMiss("", ["x"]), "; the file is empty");
});

Deno.test("describeNearMiss() quotes long lines only around the difference", () => {
  const line = (middle: string): string => `${"word ".repeat(60)}${middle}${" tail".repeat(60)}`;

  const text = describeNearMiss(`${line("old")}\n`, [line("new")]);

  assertStringIncludes(text, "…");
  assertEquals(text.length < 400, true);
});
