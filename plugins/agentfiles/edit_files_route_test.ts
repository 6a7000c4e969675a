import { assertEquals, assertStringIncludes } from "@std/assert";

import { denied, type Fixture, messageOf, startFiles } from "./_fixture.ts";
import { systemFiles } from "./file_system.ts";

const CHAT = "00000000-0000-4000-8000-000000000001";
const ANCESTOR = "00000000-0000-4000-8000-000000000002";
const CHAT_HEADERS = { "coder-chat-id": CHAT, "coder-ancestor-chat-ids": JSON.stringify([ANCESTOR]) };

interface Edit {
  readonly search: string;
  readonly replace: string;
  readonly replace_all?: boolean;
}

function edit(agent: Fixture, path: string, ...edits: readonly Edit[]): Promise<Response> {
  return agent.post("edit-files", { files: [{ path, edits }] });
}

Deno.test("POST /edit-files refuses a request without files", async () => {
  await using agent = await startFiles();

  const response = await agent.post("edit-files", {});

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "must specify at least one file");
});

Deno.test("POST /edit-files refuses a file without a path", async () => {
  await using agent = await startFiles();

  const response = await agent.post("edit-files", { files: [{ edits: [{ search: "a", replace: "b" }] }] });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), '"path" is required');
});

for (const path of ["./some/path", "some/path"]) {
  Deno.test(`POST /edit-files refuses the relative path ${path}`, async () => {
    await using agent = await startFiles();

    const response = await edit(agent, path, { search: "a", replace: "b" });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), "file path must be absolute");
  });
}

Deno.test("POST /edit-files refuses a file without edits", async () => {
  await using agent = await startFiles();

  const response = await edit(agent, `${agent.folder}/a`);

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "must specify at least one edit");
});

Deno.test("POST /edit-files answers 404 for a file that does not exist", async () => {
  await using agent = await startFiles();

  const response = await edit(agent, `${agent.folder}/missing`, { search: "a", replace: "b" });

  assertEquals(response.status, 404);
  assertStringIncludes(await messageOf(response), "file does not exist");
});

Deno.test("POST /edit-files refuses a directory", async () => {
  await using agent = await startFiles();

  const response = await edit(agent, agent.folder, { search: "a", replace: "b" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "not a file");
});

Deno.test("POST /edit-files answers 403 when the file may not be read", async () => {
  await using agent = await startFiles({ files: { open: denied } });
  const path = await agent.file("a", "foo");

  const response = await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals(response.status, 403);
  assertStringIncludes(await messageOf(response), "permission denied");
});

Deno.test("POST /edit-files answers 403 when the file may not be written", async () => {
  await using agent = await startFiles({
    files: { open: (path, options) => options?.access === "write" ? denied() : systemFiles.open(path, options) },
  });
  const path = await agent.file("a", "foo");

  const response = await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals(response.status, 403);
  assertEquals(await agent.text("a"), "foo");
});

Deno.test("POST /edit-files answers 500 with the cause and changes nothing when the rename fails", async () => {
  await using agent = await startFiles({ files: { rename: () => Promise.reject(new Error("rename failed")) } });
  const path = await agent.file("a", "foo bar");

  const response = await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "rename failed; no file was changed");
  assertEquals(await agent.text("a"), "foo bar");
  assertEquals(await agent.names(), ["a"]);
});

Deno.test("POST /edit-files replaces a text", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo bar");

  const response = await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals(response.status, 200);
  assertEquals(await response.json(), {});
  assertEquals(await agent.text("a"), "bar bar");
});

Deno.test("POST /edit-files refuses a second edit that the first made ambiguous, and changes nothing", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo bar");

  const response = await edit(agent, path, { search: "foo", replace: "bar" }, { search: "bar", replace: "qux" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "edit 2 of 2: search string matches 2 occurrences");
  assertEquals(await agent.text("a"), "foo bar");
});

Deno.test("POST /edit-files applies each edit to the result of the one before", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo bar");

  await edit(agent, path, { search: "foo", replace: "bar" }, { search: "bar", replace: "qux", replace_all: true });

  assertEquals(await agent.text("a"), "qux qux");
});

Deno.test("POST /edit-files replaces several lines by one", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo\nbar\nbaz\nqux");

  await edit(agent, path, { search: "bar\nbaz", replace: "frob" });

  assertEquals(await agent.text("a"), "foo\nfrob\nqux");
});

Deno.test("POST /edit-files edits several files in one request", async () => {
  await using agent = await startFiles();
  const names = ["a", "b", "c"];
  const paths = await Promise.all(names.map((name) => agent.file(name, `file ${name}`)));

  const response = await agent.post("edit-files", {
    files: paths.map((path, index) => ({ path, edits: [{ search: "file", replace: `edited${index}` }] })),
  });

  assertEquals(response.status, 200);
  assertEquals(await Promise.all(names.map((name) => agent.text(name))), ["edited0 a", "edited1 b", "edited2 c"]);
  assertEquals(await agent.names(), names);
});

interface MatchCase {
  readonly name: string;
  readonly contents: string;
  readonly edit: Edit;
  readonly result: string;
}

const MATCHES: readonly MatchCase[] = [
  {
    name: "ignores trailing blanks of the file and keeps those of the first line",
    contents: "foo   \nbar\t\nbaz",
    edit: { search: "foo\nbar\nbaz", replace: "replaced" },
    result: "replaced   ",
  },
  {
    name: "finds TABs for spaces",
    contents: "\tif true {\n\t\tfoo()\n\t}",
    edit: { search: "    if true {\n        foo()\n    }", replace: "    if true {\n        bar()\n    }" },
    result: "\tif true {\n\t\tbar()\n\t}",
  },
  {
    name: "finds another depth of indentation",
    contents: "\t\t\tdeep()\n",
    edit: { search: "\tdeep()\n", replace: "\tdeeper()\n" },
    result: "\t\t\tdeeper()\n",
  },
  {
    name: "prefers the exact match",
    contents: "hello  \nhello\n\thello!",
    edit: { search: "\thello!", replace: "bye" },
    result: "hello  \nhello\nbye",
  },
  {
    name: "finds a block that mixes white space, with a final newline",
    contents: "  \tresult := compute() \n\t  return result\n}\n",
    edit: { search: "result := compute()\nreturn result\n", replace: "return compute()\n" },
    result: "  \treturn compute() \n}\n",
  },
  {
    name: "replaces every exact occurrence on request",
    contents: "foo bar foo baz foo",
    edit: { search: "foo", replace: "x", replace_all: true },
    result: "x bar x baz x",
  },
  {
    name: "replaces every occurrence that differs in trailing blanks on request",
    contents: "a  \nb\na\t\nb\n",
    edit: { search: "a\nb\n", replace: "c\nb\n", replace_all: true },
    result: "c  \nb\nc\t\nb\n",
  },
  {
    name: "replaces every occurrence that differs in indentation on request",
    contents: "\ta()\nx\n\t\ta()\n",
    edit: { search: "  a()\n", replace: "  b()\n", replace_all: true },
    result: "\tb()\nx\n\t\tb()\n",
  },
];
for (const { name, contents, edit: one, result } of MATCHES) {
  Deno.test(`POST /edit-files ${name}`, async () => {
    await using agent = await startFiles();
    const path = await agent.file("a", contents);

    const response = await edit(agent, path, one);

    assertEquals(response.status, 200);
    assertEquals(await agent.text("a"), result);
  });
}

Deno.test("POST /edit-files refuses a search that is not found and says what is closest", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "one\nconst x = compute(1);\n");

  const response = await edit(agent, path, { search: "const x = compute(2);", replace: "" });

  assertEquals(response.status, 400);
  const { message, code } = await response.json();
  assertStringIncludes(message, `edit ${path}: search string not found in file; closest is line 2`);
  assertEquals(code, "agentfiles_edit_not_found");
  assertEquals(await agent.text("a"), "one\nconst x = compute(1);\n");
});

Deno.test("POST /edit-files refuses an ambiguous search and names the lines", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo\nbar\nfoo\n");

  const response = await edit(agent, path, { search: "foo", replace: "x" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "matches 2 occurrences (at lines 1, 3)");
  assertEquals(await agent.text("a"), "foo\nbar\nfoo\n");
});

Deno.test("POST /edit-files refuses an empty search", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo");

  const response = await edit(agent, path, { search: "", replace: "x" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "search string must not be empty");
});

Deno.test("POST /edit-files reports every file's error under the highest status and edits none", async () => {
  await using agent = await startFiles();
  const good = await agent.file("good", "foo");
  const edits = [{ search: "foo", replace: "bar" }];

  const response = await agent.post("edit-files", {
    files: [{ path: good, edits }, { path: agent.folder, edits }, { path: `${agent.folder}/missing`, edits }],
  });

  assertEquals(response.status, 404);
  const lines = (await messageOf(response)).split("\n");
  assertEquals(lines.length, 2);
  assertStringIncludes(lines[0]!, "not a file");
  assertStringIncludes(lines[1]!, "file does not exist");
  assertEquals(await agent.text("good"), "foo");
});

Deno.test("POST /edit-files edits no file when one edit of one file does not fit", async () => {
  await using agent = await startFiles();
  const [first, second] = [await agent.file("a", "foo"), await agent.file("b", "bar")];

  const response = await agent.post("edit-files", {
    files: [
      { path: first, edits: [{ search: "foo", replace: "x" }] },
      { path: second, edits: [{ search: "missing", replace: "x" }] },
    ],
  });

  assertEquals(response.status, 400);
  assertEquals([await agent.text("a"), await agent.text("b")], ["foo", "bar"]);
  assertEquals(await agent.names(), ["a", "b"]);
});

Deno.test("POST /edit-files puts back the files already replaced when a later rename fails", async () => {
  await using agent = await startFiles({
    files: {
      rename(from, to) {
        if (to.endsWith("/c")) return Promise.reject(new Error("rename failed"));
        return systemFiles.rename(from, to);
      },
    },
  });
  const names = ["a", "b", "c"];
  const paths = await Promise.all(names.map((name) => agent.file(name, `foo ${name}`)));

  const response = await agent.post("edit-files", {
    files: paths.map((path) => ({ path, edits: [{ search: "foo", replace: "x" }] })),
  });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "rename failed; no file was changed");
  assertEquals(await Promise.all(names.map((name) => agent.text(name))), ["foo a", "foo b", "foo c"]);
  assertEquals(await agent.names(), names);
});

Deno.test("POST /edit-files names the files that stayed changed when they cannot be put back", async () => {
  await using agent = await startFiles({
    files: {
      link: denied,
      rename(from, to) {
        if (to.endsWith("/b")) return Promise.reject(new Error("rename failed"));
        return systemFiles.rename(from, to);
      },
    },
  });
  const [first, second] = [await agent.file("a", "foo"), await agent.file("b", "foo")];

  const response = await agent.post("edit-files", {
    files: [first, second].map((path) => ({ path, edits: [{ search: "foo", replace: "x" }] })),
  });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), `changed and not put back: ${first}`);
  assertEquals([await agent.text("a"), await agent.text("b")], ["x", "foo"]);
  assertEquals(await agent.names(), ["a", "b"]);
});

Deno.test("POST /edit-files changes no file when a later one cannot be prepared", async () => {
  await using agent = await startFiles({
    files: {
      open(path, options) {
        const full = options?.access === "create" && path.includes(".b.tmp.");
        return full
          ? Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }))
          : systemFiles.open(path, options);
      },
    },
  });
  const [first, second] = [await agent.file("a", "foo"), await agent.file("b", "foo")];

  const response = await agent.post("edit-files", {
    files: [first, second].map((path) => ({ path, edits: [{ search: "foo", replace: "x" }] })),
  });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "no space left on the disk");
  assertEquals([await agent.text("a"), await agent.text("b")], ["foo", "foo"]);
  assertEquals(await agent.names(), ["a", "b"]);
});

Deno.test("POST /edit-files refuses the same file twice, also under another name", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo");
  const link = `${agent.folder}/link`;
  await Deno.symlink("a", link);
  const edits = [{ search: "foo", replace: "x" }];

  for (const other of [path, link, `${agent.folder}/./a`]) {
    const response = await agent.post("edit-files", { files: [{ path, edits }, { path: other, edits }] });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), "duplicate file path");
  }
  assertEquals(await agent.text("a"), "foo");
});

Deno.test("POST /edit-files keeps the mode of the file", async () => {
  await using agent = await startFiles();
  const path = await agent.file("script", "foo", 0o751);

  await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals((await Deno.stat(path)).mode! & 0o7777, 0o751);
});

Deno.test("POST /edit-files keeps the owner of the file where that is permitted", async () => {
  const owners: number[][] = [];
  await using agent = await startFiles({
    files: {
      stat: async (path) => {
        const facts = await systemFiles.stat(path);
        return path.endsWith("/a") ? { ...facts, uid: 12345, gid: 54321 } : facts;
      },
      open: async (path, options) => {
        const file = await systemFiles.open(path, options);
        return {
          read: (buffer) => file.read(buffer),
          write: (bytes) => file.write(bytes),
          seek: (offset, whence) => file.seek(offset, whence),
          stat: async () => ({ ...await file.stat(), uid: 12345, gid: 54321 }),
          syncData: () => file.syncData(),
          close: () => file.close(),
        };
      },
      chown: (_path, uid, gid) => Promise.resolve(void owners.push([uid, gid])),
    },
  });
  const path = await agent.file("a", "foo");

  const response = await edit(agent, path, { search: "foo", replace: "bar" });

  assertEquals(response.status, 200);
  assertEquals(owners, [[12345, 54321]]);
});

Deno.test("POST /edit-files edits the target of a symbolic link and keeps the link", async () => {
  await using agent = await startFiles();
  await agent.file("target", "foo");
  await Deno.symlink("target", `${agent.folder}/link`);

  await edit(agent, `${agent.folder}/link`, { search: "foo", replace: "bar" });

  assertEquals(await Deno.readLink(`${agent.folder}/link`), "target");
  assertEquals(await agent.text("target"), "bar");
});

Deno.test("POST /edit-files gives a unified diff when one is asked for", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "one\ntwo\n");

  const response = await agent.post("edit-files", {
    files: [{ path, edits: [{ search: "two", replace: "2" }] }],
    include_diff: true,
  });

  assertEquals(await response.json(), {
    files: [{ path, diff: `--- ${path}\n+++ ${path}\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n` }],
  });
});

Deno.test("POST /edit-files gives an empty diff for an edit that changes nothing, and leaves the file alone", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo");
  const { ino } = await Deno.stat(path);

  const response = await agent.post("edit-files", {
    files: [{ path, edits: [{ search: "foo", replace: "foo" }] }],
    include_diff: true,
  });

  assertEquals(await response.json(), { files: [{ path, diff: "" }] });
  assertEquals((await Deno.stat(path)).ino, ino);
});

Deno.test("POST /edit-files gives diffs in the order of the request, under the paths it used", async () => {
  await using agent = await startFiles();
  const b = await agent.file("b", "foo\n");
  await agent.file("target", "foo\n");
  const link = `${agent.folder}/a-link`;
  await Deno.symlink("target", link);
  const edits = [{ search: "foo", replace: "bar" }];

  const response = await agent.post("edit-files", {
    files: [{ path: b, edits }, { path: link, edits }],
    include_diff: true,
  });

  const { files } = await response.json();
  assertEquals(files.map(({ path }: { path: string }) => path), [b, link]);
  assertStringIncludes(files[1].diff, `--- ${link}\n+++ ${link}\n`);
});

Deno.test("POST /edit-files diffs against the original when several edits hit one file", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "one\n");

  const response = await agent.post("edit-files", {
    files: [{ path, edits: [{ search: "one", replace: "two" }, { search: "two", replace: "three" }] }],
    include_diff: true,
  });

  const [{ diff }] = (await response.json()).files;
  assertStringIncludes(diff, "-one\n+three\n");
});

Deno.test("POST /edit-files keeps CRLF, byte order mark and bytes that are not UTF-8", async () => {
  await using agent = await startFiles();
  const bytes = [0xef, 0xbb, 0xbf, ...new TextEncoder().encode("one\r\ntwo "), 0xff, 0xc3, 0x0d, 0x0a];
  const path = await agent.file("a", new Uint8Array(bytes));

  const response = await edit(agent, path, { search: "one\n", replace: "1\nI\n" });

  assertEquals(response.status, 200);
  const expected = [0xef, 0xbb, 0xbf, ...new TextEncoder().encode("1\r\nI\r\ntwo "), 0xff, 0xc3, 0x0d, 0x0a];
  assertEquals([...await Deno.readFile(path)], expected);
});

Deno.test("POST /edit-files removes a byte order mark when the caller names it", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "\ufeffone\n");

  await edit(agent, path, { search: "\ufeffone", replace: "one" });

  assertEquals([...await Deno.readFile(path)], [...new TextEncoder().encode("one\n")]);
});

Deno.test("POST /edit-files loses no edit when many arrive at once for one file", async () => {
  await using agent = await startFiles();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const path = await agent.file("a", numbers.map((number) => `<${number}>\n`).join(""));

  const answers = await Promise.all(
    numbers.map((number) => edit(agent, path, { search: `<${number}>`, replace: `[${number}]` })),
  );

  assertEquals(answers.map(({ status }) => status), numbers.map(() => 200));
  assertEquals(await agent.text("a"), numbers.map((number) => `[${number}]\n`).join(""));
});

Deno.test("POST /edit-files refuses to overwrite what another program wrote in the meantime", async () => {
  await using agent = await startFiles({
    files: {
      async open(path, options) {
        if (options?.access === "create") await Deno.writeTextFile(path.replace(/\.(a)\.tmp.*/, "$1"), "theirs");
        return await systemFiles.open(path, options);
      },
    },
  });
  const path = await agent.file("a", "foo");

  const response = await edit(agent, path, { search: "foo", replace: "ours" });

  assertEquals(response.status, 409);
  assertStringIncludes(await messageOf(response), "another program changed the file");
  assertEquals(await agent.text("a"), "theirs");
  assertEquals(await agent.names(), ["a"]);
});

Deno.test("POST /edit-files honours If-Match, and tells the new version", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "one");
  const read = await agent.get("read-file", { path });
  await read.body?.cancel();
  const headers = { "if-match": read.headers.get("etag")! };
  const body = (search: string, replace: string) => ({ files: [{ path, edits: [{ search, replace }] }] });

  const first = await agent.post("edit-files", body("one", "two"), {}, headers);
  const stale = await agent.post("edit-files", body("two", "three"), {}, headers);
  const fresh = await agent.post("edit-files", body("two", "three"), {}, { "if-match": first.headers.get("etag")! });

  assertEquals([first.status, stale.status, fresh.status], [200, 412, 200]);
  assertEquals(await agent.text("a"), "three");
});

Deno.test("POST /edit-files checks a version per file and edits none when one is stale", async () => {
  await using agent = await startFiles();
  const [a, b] = [await agent.file("a", "foo"), await agent.file("b", "foo")];
  const edits = [{ search: "foo", replace: "x" }];

  const response = await agent.post("edit-files", {
    files: [{ path: a, edits }, { path: b, edits, if_match: '"stale"' }],
  });

  assertEquals(response.status, 412);
  assertEquals([await agent.text("a"), await agent.text("b")], ["foo", "foo"]);
});

Deno.test("POST /edit-files refuses If-Match for several files", async () => {
  await using agent = await startFiles();
  const edits = [{ search: "foo", replace: "x" }];

  const response = await agent.post(
    "edit-files",
    { files: [{ path: "/a", edits }, { path: "/b", edits }] },
    {},
    { "if-match": "*" },
  );

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), '"if_match"');
});

Deno.test("POST /edit-files with If-None-Match: * never edits a file that exists", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo");
  const files = [{ path, edits: [{ search: "foo", replace: "x" }] }];

  const response = await agent.post("edit-files", { files }, {}, { "if-none-match": "*" });

  assertEquals(response.status, 412);
  assertEquals(await agent.text("a"), "foo");
});

Deno.test("POST /edit-files refuses a file over the limit", async () => {
  await using agent = await startFiles({ config: { maxEditFileBytes: 10 } });
  const path = await agent.file("a", "12345678901");

  const response = await edit(agent, path, { search: "1", replace: "x" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "the limit for edits is 10");
});

Deno.test("POST /edit-files refuses more files than the limit", async () => {
  await using agent = await startFiles({ config: { maxEditFiles: 1 } });
  const edits = [{ search: "1", replace: "x" }];

  const response = await agent.post("edit-files", { files: [{ path: "/a", edits }, { path: "/b", edits }] });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "2 files and the limit is 1");
});

const BAD_BODIES: readonly (readonly [name: string, body: string, message: string])[] = [
  ["that is not JSON", "{", "valid JSON"],
  ["with files of the wrong type", '{"files":"all"}', "Validation failed"],
  ["with a search of the wrong type", '{"files":[{"path":"/a","edits":[{"search":5}]}]}', "Validation failed"],
];
for (const [name, body, message] of BAD_BODIES) {
  Deno.test(`POST /edit-files refuses a body ${name}`, async () => {
    await using agent = await startFiles();

    const response = await agent.post("edit-files", body);

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), message);
  });
}

Deno.test("POST /edit-files tells the chat and its ancestors all paths of the request", async () => {
  await using agent = await startFiles();
  const [a, b] = [await agent.file("a", "foo"), await agent.file("b", "foo")];
  const edits = [{ search: "foo", replace: "x" }];

  await agent.post("edit-files", { files: [{ path: a, edits }, { path: b, edits }] }, {}, CHAT_HEADERS);

  assertEquals(agent.touched, [{ chats: [CHAT, ANCESTOR], paths: [a, b] }]);
});

Deno.test("POST /edit-files that fails touches nothing", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "foo");
  const files = [{ path, edits: [{ search: "missing", replace: "x" }] }];

  await agent.post("edit-files", { files }, {}, CHAT_HEADERS);

  assertEquals(agent.touched, []);
});

Deno.test("POST /edit-files counts requests by result and edits by how they matched", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "\tfoo\nbar\n");

  await edit(agent, path, { search: "    foo\n", replace: "    x\n" }, { search: "bar", replace: "y" });
  await edit(agent, path, { search: "missing", replace: "" });

  const metric = (name: string, labels: Record<string, string>) =>
    agent.agent.metric(`agent_agentfiles_${name}`, labels);
  assertEquals(await metric("edits_total", { result: "applied" }), 1);
  assertEquals(await metric("edits_total", { result: "refused" }), 1);
  assertEquals(await metric("edit_matches_total", { match: "indentation" }), 1);
  assertEquals(await metric("edit_matches_total", { match: "exact" }), 1);
});
