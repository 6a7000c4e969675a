import { assertEquals, assertThrows } from "@std/assert";

import { acceptVersion, covers, formatVersion, parseVersion, SPOKEN_VERSIONS } from "./api_version.ts";

const SERVED = parseVersion("2.8");

Deno.test("acceptVersion() takes the served minor and every lower one", () => {
  for (const text of ["2.8", "2.7", "2.0"]) assertEquals(acceptVersion(text, SERVED), parseVersion(text));
});

Deno.test("acceptVersion() takes a missing version for 2.0", () => {
  assertEquals(acceptVersion(null, SERVED), { major: 2, minor: 0 });
});

Deno.test("acceptVersion() refuses a higher minor, another major and malformed text, each with its own reason", () => {
  const details = ["2.9", "3.0", "1.9", "2", "2.x", "", "2.8.1", "-2.8"].map((text) => {
    const answer = acceptVersion(text, SERVED);
    return "field" in answer ? [answer.field, answer.detail.split(":")[0]] : answer;
  });

  assertEquals(details, [
    ["version", "Minor 9 is too new"],
    ["version", "Major 3 is not served"],
    ["version", "Major 1 is not served"],
    ...["2", "2.x", "", "2.8.1", "-2.8"].map((text) => ["version", `Cannot read the version "${text}"`]),
  ]);
});

Deno.test("parseVersion() compares by number, so 2.10 is newer than 2.9", () => {
  assertEquals([covers(parseVersion("2.10"), parseVersion("2.9")), covers(parseVersion("2.9"), parseVersion("2.10"))], [
    true,
    false,
  ]);
  assertThrows(() => parseVersion("v2.1"), SyntaxError);
});

Deno.test("SPOKEN_VERSIONS begins with the newest and ends with 2.0", () => {
  const spoken = SPOKEN_VERSIONS.map(formatVersion);
  assertEquals([spoken[0], spoken.at(-1), spoken.length], ["2.10", "2.0", 11]);
});
