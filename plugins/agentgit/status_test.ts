import { assertEquals, assertThrows } from "@std/assert";

import { parseStatus } from "./status.ts";

const OID = "1".repeat(40);

function outputOf(...records: string[]): Uint8Array {
  return Uint8Array.from(records.map((record) => `${record}\0`).join(""), (char) => char.charCodeAt(0));
}

Deno.test("parseStatus() reads branch, commit and each kind of entry", () => {
  const status = parseStatus(outputOf(
    `# branch.oid ${OID}`,
    "# branch.head feature/x",
    "# branch.ab +1 -0",
    `1 .M N... 100644 100644 100644 ${OID} ${OID} a b.txt`,
    `1 .M S.M. 160000 160000 160000 ${OID} ${OID} sub`,
    `u UU N... 100644 100644 100644 100644 ${OID} ${OID} ${OID} both`,
    "? new",
  ));

  assertEquals(status, {
    branch: "feature/x",
    commit: OID,
    entries: [
      { path: "a b.txt", kind: "tracked", code: ".M", isSubmodule: false },
      { path: "sub", kind: "tracked", code: ".M", isSubmodule: true },
      { path: "both", kind: "unmerged", code: "UU", isSubmodule: false },
      { path: "new", kind: "untracked", code: "??", isSubmodule: false },
    ],
  });
});

Deno.test("parseStatus() reports no branch on a detached HEAD and no commit before the first one", () => {
  const detached = parseStatus(outputOf(`# branch.oid ${OID}`, "# branch.head (detached)"));
  const unborn = parseStatus(outputOf("# branch.oid (initial)", "# branch.head main"));

  assertEquals([detached.branch, detached.commit], ["", OID]);
  assertEquals([unborn.branch, unborn.commit], ["main", ""]);
});

Deno.test("parseStatus() keeps names with newlines and bytes that are not UTF-8", () => {
  const status = parseStatus(outputOf("? a\nb", "? \xff\xfe"));

  assertEquals(status.entries.map((entry) => entry.path), ["a\nb", "\xff\xfe"]);
});

Deno.test("parseStatus() refuses records it does not know", () => {
  assertThrows(() => parseStatus(outputOf("7 what")), SyntaxError, 'unknown record type "7"');
});
