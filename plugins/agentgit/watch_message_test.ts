import { assert, assertEquals } from "@std/assert";

import type { FileDiff } from "./unified_diff.ts";
import { changesMessages, MAX_MESSAGE_BYTES, repoChangeOf, unknownTypeMessage } from "./watch_message.ts";

const NOW = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

function fileOf(path: string, line: string): FileDiff {
  const text = `diff --git a/${path} b/${path}\nnew file mode 100644\n@@ -0,0 +1 @@\n+${line}\n`;
  return { path, isRename: false, text, bytes: text.length, isHeadOnly: false };
}

Deno.test("repoChangeOf() leaves out what is empty, but never root and branch", () => {
  const change = repoChangeOf({ root: "/r", branch: "", origin: "", files: [] }, 100);

  assertEquals(change, { repo_root: "/r", branch: "" });
});

Deno.test("repoChangeOf() shrinks a diff whose JSON is longer than clients read", () => {
  const files = [fileOf("a", "\x01".repeat(900_000)), fileOf("b", "text")];

  const change = repoChangeOf({ root: "/r", branch: "main", origin: "", files }, 3 * 1024 * 1024);

  assert(JSON.stringify(change).length <= MAX_MESSAGE_BYTES);
  assertEquals(change.truncated, true);
  assert(change.unified_diff?.includes("+text"));
});

Deno.test("changesMessages() sends one message without repositories when nothing changed", () => {
  assertEquals(changesMessages(NOW, []), ['{"type":"changes","scanned_at":"2026-01-02T03:04:05.000Z"}']);
});

Deno.test("changesMessages() splits where a message would be too long, and keeps order and every repository", () => {
  const changes = [2, 1.5, 1, 3.5, 0.1].map((mib, index) => ({
    repo_root: `/${index}`,
    branch: "",
    unified_diff: "x".repeat(mib * 1024 * 1024),
  }));

  const messages = changesMessages(NOW, changes);

  assert(messages.every((message) => message.length <= MAX_MESSAGE_BYTES));
  assertEquals(
    messages.map((message) =>
      JSON.parse(message).repositories.map((change: { repo_root: string }) => change.repo_root)
    ),
    [["/0", "/1"], ["/2"], ["/3", "/4"]],
  );
});

Deno.test("unknownTypeMessage() names the type, shortened", () => {
  const { type, message } = JSON.parse(unknownTypeMessage("x".repeat(1000)));

  assertEquals(type, "error");
  assert(message.includes("unknown") && message.length < 200);
});
