import { assertEquals, assertExists, assertNotEquals, assertStringIncludes } from "@std/assert";

import { denied, messageOf, startFiles } from "./_fixture.ts";

Deno.test("GET /read-file demands a path", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file");

  assertEquals(response.status, 400);
  assertStringIncludes((await response.json()).validations[0].detail, '"path" is required');
});

for (const path of ["./some/path", "some/path"]) {
  Deno.test(`GET /read-file refuses the relative path ${path}`, async () => {
    await using agent = await startFiles();

    const response = await agent.get("read-file", { path });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), `file path must be absolute: "${path}"`);
  });
}

for (const name of ["limit", "offset"]) {
  Deno.test(`GET /read-file refuses a negative ${name}`, async () => {
    await using agent = await startFiles();
    const path = await agent.file("a", "content");

    const response = await agent.get("read-file", { path, [name]: "-10" });

    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).validations[0].detail, "value is negative");
  });
}

Deno.test("GET /read-file refuses a parameter it does not know", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "content");

  const response = await agent.get("read-file", { path, lines: "1" });

  assertEquals(response.status, 400);
});

Deno.test("GET /read-file answers 404 for a file that does not exist", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file", { path: `${agent.folder}/missing` });

  assertEquals(response.status, 404);
  assertStringIncludes(await messageOf(response), "file does not exist");
});

Deno.test("GET /read-file refuses a directory", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file", { path: agent.folder });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "not a file");
});

Deno.test("GET /read-file answers 403 when the file may not be read", async () => {
  await using agent = await startFiles({ files: { open: denied } });
  const path = await agent.file("a", "content");

  const response = await agent.get("read-file", { path });

  assertEquals(response.status, 403);
  assertStringIncludes(await messageOf(response), "permission denied");
});

Deno.test("GET /read-file gives the whole file by default", async () => {
  await using agent = await startFiles();
  const path = await agent.file("plain", "content");

  const response = await agent.get("read-file", { path });

  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "application/octet-stream");
  assertEquals(response.headers.get("content-length"), "7");
  assertEquals(await response.text(), "content");
});

const WINDOWS: readonly (readonly [query: Readonly<Record<string, string>>, bytes: string])[] = [
  [{ limit: "1" }, "c"],
  [{ offset: "1" }, "ontent"],
  [{ limit: "1", offset: "2" }, "n"],
  [{ limit: "7", offset: "0" }, "content"],
  [{ limit: "100" }, "content"],
  [{ offset: "7" }, ""],
  [{ offset: "100" }, ""],
];
for (const versionHashBytes of [1024, 0]) {
  for (const [query, bytes] of WINDOWS) {
    const how = versionHashBytes === 0 ? "streams" : "gives";
    Deno.test(`GET /read-file ${how} ${JSON.stringify(bytes)} for ${JSON.stringify(query)}`, async () => {
      await using agent = await startFiles({ config: { versionHashBytes } });
      const path = await agent.file("a", "content");

      const response = await agent.get("read-file", { path, ...query });

      assertEquals(response.status, 200);
      assertEquals(response.headers.get("content-length"), String(bytes.length));
      assertEquals(await response.text(), bytes);
    });
  }
}

Deno.test("GET /read-file takes the media type from the extension alone", async () => {
  await using agent = await startFiles();
  const path = await agent.file("picture.PNG", "this is text");

  const response = await agent.get("read-file", { path });

  assertEquals(response.headers.get("content-type"), "image/png");
  assertEquals(await response.text(), "this is text");
});

Deno.test("GET /read-file sandboxes what a browser might run", async () => {
  await using agent = await startFiles();
  const path = await agent.file("page.html", "<script>alert(1)</script>");

  const { headers, body } = await agent.get("read-file", { path });

  await body?.cancel();
  assertEquals(headers.get("content-security-policy"), "sandbox");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
});

Deno.test("GET /read-file streams a file of several megabytes byte for byte", async () => {
  await using agent = await startFiles();
  const bytes = new Uint8Array(3 * 1024 * 1024 + 17).map((_, index) => index % 251);
  const path = await agent.file("big", bytes);

  const response = await agent.get("read-file", { path, offset: "5", limit: String(bytes.length - 10) });

  assertEquals(await response.bytes(), bytes.subarray(5, bytes.length - 5));
});

Deno.test("GET /read-file closes the file when the reader leaves", async () => {
  await using agent = await startFiles({ config: { versionHashBytes: 0 } });
  const path = await agent.file("big", new Uint8Array(1024 * 1024));

  const response = await agent.get("read-file", { path });
  const reader = response.body!.getReader();
  await reader.read();

  await reader.cancel();
});

Deno.test("HEAD /read-file tells length and version and leaves no file open", async () => {
  await using agent = await startFiles({ config: { versionHashBytes: 0 } });
  const path = await agent.file("a", "content");

  const response = await agent.request(`/read-file?path=${encodeURIComponent(path)}`, { method: "HEAD" });

  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-length"), "7");
  assertEquals(await response.text(), "");
});

for (const versionHashBytes of [1024, 0]) {
  const size = versionHashBytes === 0 ? "big" : "small";
  Deno.test(`GET /read-file gives a ${size} file a strong version that changes with it`, async () => {
    await using agent = await startFiles({ config: { versionHashBytes } });
    const path = await agent.file("a", "content");
    const tag = async (): Promise<string> => {
      const response = await agent.get("read-file", { path });
      await response.body?.cancel();
      return response.headers.get("etag") ?? "";
    };

    const first = await tag();
    const again = await tag();
    await Deno.writeTextFile(path, "longer content");
    const changed = await tag();

    assertEquals(first, again);
    assertEquals(first.startsWith('"'), true);
    assertNotEquals(first, changed);
  });

  Deno.test(`GET /read-file answers 304 for the known version of a ${size} file`, async () => {
    await using agent = await startFiles({ config: { versionHashBytes } });
    const path = await agent.file("a", "content");
    const first = await agent.get("read-file", { path });
    await first.body?.cancel();
    const etag = first.headers.get("etag");
    assertExists(etag);

    const second = await agent.get("read-file", { path }, { "if-none-match": etag });

    assertEquals(second.status, 304);
    assertEquals(second.headers.get("etag"), etag);
    assertEquals(await second.text(), "");
  });
}

Deno.test("GET /read-file reads files whose size the kernel does not tell", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file", { path: "/proc/self/status" });

  assertEquals(response.status, 200);
  assertStringIncludes(await response.text(), "Name:");
});

Deno.test("GET /read-file gives a window of a file without a size", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file", { path: "/proc/self/status", offset: "0", limit: "5" });

  assertEquals(await response.text(), "Name:");
});

Deno.test("GET /read-file refuses a name that is not UTF-8", async () => {
  await using agent = await startFiles();

  const response = await agent.request("/read-file?path=/tmp/%ff%fe");

  assertEquals(response.status, 400);
  assertStringIncludes((await response.json()).validations[0].detail, "not valid UTF-8");
});

Deno.test("GET /read-file takes percent signs and letters of all scripts in names", async () => {
  await using agent = await startFiles();
  const path = await agent.file("100% größe 日本 %41", "content");

  const response = await agent.get("read-file", { path });

  assertEquals(await response.text(), "content");
});

Deno.test("GET /read-file refuses a NUL in the path", async () => {
  await using agent = await startFiles();

  const response = await agent.get("read-file", { path: "/tmp/a\0b" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "NUL");
});

Deno.test("GET /read-file fails the stream of a file that shrinks meanwhile", async () => {
  await using agent = await startFiles({ config: { versionHashBytes: 0 } });
  const path = await agent.file("a", new Uint8Array(600 * 1024));
  const response = await agent.get("read-file", { path });
  const reader = response.body!.getReader();
  await reader.read();

  await Deno.truncate(path, 1000);
  const outcome = await reader.read().then(() => reader.read()).then(() => "ended", () => "failed");

  assertEquals(outcome, "failed");
});
