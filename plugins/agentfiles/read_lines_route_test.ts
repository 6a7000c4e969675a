import { assertEquals, assertStringIncludes } from "@std/assert";

import { denied, startFiles } from "./_fixture.ts";

const DEFAULTS = { offset: "0", limit: "0" };

Deno.test("GET /read-file-lines demands a path with the error body of every route", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file-lines", DEFAULTS);

  assertEquals(response.status, 400);
  assertStringIncludes((await response.json()).message, "Query parameters have invalid values");
});

interface Case {
  readonly name: string;
  readonly contents: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly answer: Readonly<Record<string, unknown>>;
}

const CASES: readonly Case[] = [
  { name: "answers an empty file with success alone", contents: "", answer: { success: true } },
  {
    name: "numbers the lines",
    contents: "line1\nline2\nline3",
    answer: {
      success: true,
      file_size: 17,
      total_lines: 3,
      lines_read: 3,
      content: "1\tline1\n2\tline2\n3\tline3",
    },
  },
  {
    name: "starts at the offset with the file's own numbers",
    contents: "line1\nline2\nline3",
    query: { offset: "2" },
    answer: { success: true, file_size: 17, total_lines: 3, lines_read: 2, content: "2\tline2\n3\tline3" },
  },
  {
    name: "stops at the limit",
    contents: "line1\nline2\nline3",
    query: { limit: "1" },
    answer: { success: true, file_size: 17, total_lines: 3, lines_read: 1, content: "1\tline1" },
  },
  {
    name: "combines offset and limit",
    contents: "line1\nline2\nline3",
    query: { offset: "2", limit: "1" },
    answer: { success: true, file_size: 17, total_lines: 3, lines_read: 1, content: "2\tline2" },
  },
  {
    name: "refuses an offset beyond the file",
    contents: "line1\nline2\nline3",
    query: { offset: "10" },
    answer: { success: false, error: "offset 10 is beyond the file length of 3 lines" },
  },
  {
    name: "cuts a long line and marks it",
    contents: "x".repeat(1025),
    answer: {
      success: true,
      file_size: 1025,
      total_lines: 1,
      lines_read: 1,
      content: `1\t${"x".repeat(1024)}... [truncated]`,
    },
  },
  {
    name: "shows the empty line behind a final newline and keeps CR",
    contents: "a\r\n",
    answer: { success: true, file_size: 3, total_lines: 2, lines_read: 2, content: "1\ta\r\n2\t" },
  },
  {
    name: "reads the most lines allowed when no limit is given",
    contents: "a\nb\nc",
    query: { max_response_lines: "2" },
    answer: { success: true, file_size: 5, total_lines: 3, lines_read: 2, content: "1\ta\n2\tb" },
  },
];
for (const { name, contents, query, answer } of CASES) {
  Deno.test(`GET /read-file-lines ${name}`, async () => {
    await using agent = await startFiles();
    const path = await agent.file("a", contents);

    const response = await agent.get("read-file-lines", { ...DEFAULTS, path, ...query });

    assertEquals(response.status, 200);
    assertEquals(await response.json(), answer);
  });
}

interface FailureCase {
  readonly name: string;
  readonly contents: string;
  readonly query: Readonly<Record<string, string>>;
  readonly error: string;
}

const FAILURES: readonly FailureCase[] = [
  {
    name: "refuses more lines than one answer may hold",
    contents: "a\nb\nc",
    query: { limit: "3", max_response_lines: "2" },
    error: "output would exceed 2 lines",
  },
  {
    name: "refuses more bytes than one answer may hold",
    contents: "aaaa\nbbbb",
    query: { max_response_bytes: "12" },
    error: "output would exceed 12 bytes",
  },
  {
    name: "checks bytes before lines",
    contents: "aaaa\nbbbb",
    query: { limit: "2", max_response_bytes: "12", max_response_lines: "1" },
    error: "output would exceed 12 bytes",
  },
  {
    name: "refuses a file over the maximum before it looks at the offset",
    contents: "a\n".repeat(512 * 1024) + "x",
    query: { offset: "99999999" },
    error: "exceeds the maximum of 1048576 bytes",
  },
];
for (const { name, contents, query, error } of FAILURES) {
  Deno.test(`GET /read-file-lines ${name}`, async () => {
    await using agent = await startFiles();
    const path = await agent.file("a", contents);

    const response = await agent.get("read-file-lines", { ...DEFAULTS, path, ...query });

    assertEquals(response.status, 200);
    const body = await response.json();
    assertEquals(Object.keys(body).sort(), ["error", "success"]);
    assertStringIncludes(body.error, error);
  });
}

Deno.test("GET /read-file-lines reads a file of exactly the maximum and counts the joining newlines", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "aaaa\nbbbb");

  const response = await agent.get("read-file-lines", { path, max_file_size: "9", max_response_bytes: "13" });

  assertEquals((await response.json()).content, "1\taaaa\n2\tbbbb");
});

const ERRORS: readonly (readonly [name: string, path: (folder: string) => string, error: string])[] = [
  ["a relative path", () => "some/path", "file path must be absolute"],
  ["a NUL in the path", () => "/a\0b", "NUL"],
  ["a missing file", (folder) => `${folder}/missing`, "file does not exist: /"],
  ["a directory", (folder) => folder, "not a file: /"],
  ["a device", () => "/dev/zero", "not a file: /dev/zero"],
];
for (const [name, path, error] of ERRORS) {
  Deno.test(`GET /read-file-lines answers 200 without success for ${name}`, async () => {
    await using agent = await startFiles();

    const response = await agent.get("read-file-lines", { ...DEFAULTS, path: path(agent.folder) });

    assertEquals(response.status, 200);
    const body = await response.json();
    assertEquals(body.success, false);
    assertStringIncludes(body.error, error);
  });
}

Deno.test("GET /read-file-lines answers 200 without success when the file may not be read", async () => {
  await using agent = await startFiles({ files: { open: denied } });
  const path = await agent.file("a", "content");

  const response = await agent.get("read-file-lines", { ...DEFAULTS, path });

  assertEquals(response.status, 200);
  assertEquals(await response.json(), { success: false, error: `permission denied: ${path}` });
});

Deno.test("GET /read-file-lines reads files whose size the kernel does not tell", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file-lines", { path: "/proc/self/status", limit: "1" });

  assertStringIncludes((await response.json()).content, "1\tName:");
});

Deno.test("GET /read-file-lines never reads more than the plugin allows", async () => {
  await using agent = await startFiles({ config: { maxLineFileBytes: 4 } });
  const path = await agent.file("a", "12345");

  const response = await agent.get("read-file-lines", { path, max_file_size: "1000000" });

  assertStringIncludes((await response.json()).error, "exceeds the maximum of 4 bytes");
});

Deno.test("GET /read-file-lines shows bytes that are not UTF-8 as replacement characters", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", new Uint8Array([0x61, 0xff, 0x62]));

  const response = await agent.get("read-file-lines", { path });

  assertEquals((await response.json()).content, "1\ta\ufffdb");
});
