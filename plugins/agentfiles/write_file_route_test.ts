import { assertEquals, assertExists, assertMatch, assertStringIncludes } from "@std/assert";

import { denied, messageOf, startFiles } from "./_fixture.ts";
import { systemFiles } from "./file_system.ts";
import { FileChanges } from "./service.ts";

const CHAT = "00000000-0000-4000-8000-000000000001";
const ANCESTOR = "00000000-0000-4000-8000-000000000002";
const CHAT_HEADERS = { "coder-chat-id": CHAT, "coder-ancestor-chat-ids": JSON.stringify([ANCESTOR]) };

Deno.test("POST /write-file demands a path", async () => {
  await using agent = await startFiles();

  const response = await agent.post("write-file", "x");

  assertEquals(response.status, 400);
  assertStringIncludes((await response.json()).validations[0].detail, '"path" is required');
});

for (const path of ["./some/path", "some/path"]) {
  Deno.test(`POST /write-file refuses the relative path ${path}`, async () => {
    await using agent = await startFiles();

    const response = await agent.post("write-file", "x", { path });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), "file path must be absolute");
  });
}

Deno.test("POST /write-file creates the file and its missing parents", async () => {
  await using agent = await startFiles();
  const path = `${agent.folder}/new/deep/file.txt`;

  const response = await agent.post("write-file", "content", { path });

  assertEquals(response.status, 200);
  assertEquals(await messageOf(response), `Successfully wrote to "${path}"`);
  assertEquals(await agent.text("new/deep/file.txt"), "content");
});

Deno.test("POST /write-file takes a missing body for an empty file", async () => {
  await using agent = await startFiles();

  const response = await agent.post("write-file", null, { path: `${agent.folder}/empty` });

  assertEquals(response.status, 200);
  assertEquals(await agent.text("empty"), "");
});

Deno.test("POST /write-file refuses a directory", async () => {
  await using agent = await startFiles();

  const response = await agent.post("write-file", "x", { path: agent.folder });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "is a directory");
});

Deno.test("POST /write-file refuses a new path that ends like a directory", async () => {
  await using agent = await startFiles();

  const response = await agent.post("write-file", "x", { path: `${agent.folder}/new/` });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "is a directory");
});

for (const below of ["file", "deep/file"]) {
  Deno.test(`POST /write-file refuses a path through a file: a/${below}`, async () => {
    await using agent = await startFiles();
    const parent = await agent.file("a", "content");

    const response = await agent.post("write-file", "x", { path: `${parent}/${below}` });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), "not a directory");
    assertEquals(await agent.text("a"), "content");
  });
}

Deno.test("POST /write-file answers 403 when the file may not be written", async () => {
  await using agent = await startFiles({
    files: { open: (path, options) => options?.access === "write" ? denied() : systemFiles.open(path, options) },
  });
  const path = await agent.file("a", "old");

  const response = await agent.post("write-file", "new", { path });

  assertEquals(response.status, 403);
  assertStringIncludes(await messageOf(response), "permission denied");
  assertEquals(await agent.text("a"), "old");
});

Deno.test("POST /write-file answers 403 when the directory may not be created", async () => {
  await using agent = await startFiles({ files: { makeDirectory: denied } });

  const response = await agent.post("write-file", "x", { path: `${agent.folder}/new/file` });

  assertEquals(response.status, 403);
  assertStringIncludes(await messageOf(response), "permission denied");
});

Deno.test("POST /write-file answers 403 and leaves nothing behind when the rename is refused", async () => {
  await using agent = await startFiles({ files: { rename: denied } });
  const path = await agent.file("a", "old");

  const response = await agent.post("write-file", "new", { path });

  assertEquals(response.status, 403);
  assertEquals(await agent.text("a"), "old");
  assertEquals(await agent.names(), ["a"]);
});

Deno.test("POST /write-file answers 500 and keeps the old file when the body breaks off", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "old content");
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("new"));
      controller.error(new Error("connection reset"));
    },
  });

  const response = await agent.post("write-file", body, { path });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "cannot read the request body");
  assertEquals(await agent.text("a"), "old content");
  assertEquals(await agent.names(), ["a"]);
});

Deno.test("POST /write-file answers 500 and keeps the old file when writing fails", async () => {
  await using agent = await startFiles({
    files: {
      async open(path, options) {
        const file = await systemFiles.open(path, options);
        if (options?.access !== "create") return file;
        return {
          read: (buffer) => file.read(buffer),
          write: () => Promise.reject(Object.assign(new Error("No space left"), { code: "ENOSPC" })),
          seek: (offset, whence) => file.seek(offset, whence),
          stat: () => file.stat(),
          syncData: () => file.syncData(),
          close: () => file.close(),
        };
      },
    },
  });
  const path = await agent.file("a", "old content");

  const response = await agent.post("write-file", "new", { path });

  assertEquals(response.status, 500);
  const { message, code } = await response.json();
  assertStringIncludes(message, "no space left on the disk; the old file is unchanged");
  assertEquals(code, "agentfiles_disk_full");
  assertEquals(await agent.text("a"), "old content");
  assertEquals(await agent.names(), ["a"]);
});

Deno.test("POST /write-file keeps the mode of the file it replaces", async () => {
  await using agent = await startFiles();
  const path = await agent.file("script", "old", 0o755);

  await agent.post("write-file", "new", { path });

  assertEquals((await Deno.stat(path)).mode! & 0o7777, 0o755);
  assertEquals(await agent.text("script"), "new");
});

Deno.test("POST /write-file never shows a private file's contents under a wider mode", async () => {
  const modes: (number | undefined)[] = [];
  await using agent = await startFiles({
    files: {
      open(path, options) {
        if (options?.access === "create") modes.push(options.mode);
        return systemFiles.open(path, options);
      },
    },
  });
  const path = await agent.file("secret", "old", 0o600);

  await agent.post("write-file", "new", { path });

  assertEquals(modes, [0o600]);
  assertEquals((await Deno.stat(path)).mode! & 0o7777, 0o600);
});

Deno.test("POST /write-file goes on when mode and owner cannot be kept", async () => {
  await using agent = await startFiles({ files: { chmod: denied, chown: denied } });
  const path = await agent.file("a", "old");

  const response = await agent.post("write-file", "new", { path });

  assertEquals(response.status, 200);
  assertEquals(await agent.text("a"), "new");
});

Deno.test("POST /write-file follows a symbolic link and keeps it", async () => {
  await using agent = await startFiles();
  await agent.file("target", "old");
  await Deno.symlink("target", `${agent.folder}/link`);

  const response = await agent.post("write-file", "new", { path: `${agent.folder}/link` });

  assertEquals(response.status, 200);
  assertEquals(await Deno.readLink(`${agent.folder}/link`), "target");
  assertEquals(await agent.text("target"), "new");
});

Deno.test("POST /write-file creates the target of a dangling link", async () => {
  await using agent = await startFiles();
  await Deno.symlink("later/target", `${agent.folder}/link`);

  const response = await agent.post("write-file", "new", { path: `${agent.folder}/link` });

  assertEquals(response.status, 200);
  assertEquals(await agent.text("later/target"), "new");
});

Deno.test("POST /write-file answers 500 for links that lead in a circle", async () => {
  await using agent = await startFiles();
  await Deno.symlink("b", `${agent.folder}/a`);
  await Deno.symlink("a", `${agent.folder}/b`);

  const response = await agent.post("write-file", "new", { path: `${agent.folder}/a` });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "too many levels of symbolic links");
});

Deno.test("POST /write-file names its temporary file after the target, in the same directory", async () => {
  const temporary: string[] = [];
  await using agent = await startFiles({
    files: {
      rename(from, to) {
        temporary.push(from);
        return systemFiles.rename(from, to);
      },
    },
  });

  await agent.post("write-file", "x", { path: `${agent.folder}/file.txt` });

  assertMatch(temporary[0]!.slice(agent.folder.length), /^\/\.file\.txt\.tmp\.[0-9a-f]{8}$/);
  assertEquals(await agent.names(), ["file.txt"]);
});

Deno.test("POST /write-file writes names as long as the file system allows", async () => {
  await using agent = await startFiles();
  const name = "ü".repeat(127);

  const response = await agent.post("write-file", "x", { path: `${agent.folder}/${name}` });

  assertEquals(response.status, 200);
  assertEquals(await agent.names(), [name]);
});

Deno.test("POST /write-file takes a body of several megabytes byte for byte", async () => {
  await using agent = await startFiles();
  const bytes = new Uint8Array(3 * 1024 * 1024 + 17).map((_, index) => index % 251);

  await agent.post("write-file", bytes, { path: `${agent.folder}/big` });

  assertEquals(await Deno.readFile(`${agent.folder}/big`), bytes);
});

Deno.test("POST /write-file reads the body no faster than the disk takes it", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await using agent = await startFiles({
    files: {
      async open(path, options) {
        const file = await systemFiles.open(path, options);
        if (options?.access !== "create") return file;
        return {
          read: (buffer) => file.read(buffer),
          write: (bytes) => gate.then(() => file.write(bytes)),
          seek: (offset, whence) => file.seek(offset, whence),
          stat: () => file.stat(),
          syncData: () => file.syncData(),
          close: () => file.close(),
        };
      },
    },
  });
  let pulled = 0;
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulled++ === 100) return controller.close();
      controller.enqueue(new Uint8Array(1000));
      start();
    },
  }, { highWaterMark: 0 });

  const answer = agent.post("write-file", body, { path: `${agent.folder}/slow` });
  await started;
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  const pulledWhileStuck = pulled;
  open();

  assertEquals((await answer).status, 200);
  assertEquals(pulledWhileStuck <= 3, true);
  assertEquals((await Deno.stat(`${agent.folder}/slow`)).size, 100_000);
});

Deno.test("POST /write-file with the current version in If-Match writes, and tells the new version", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "old");
  const read = await agent.get("read-file", { path });
  await read.body?.cancel();

  const first = await agent.post("write-file", "new", { path }, { "if-match": read.headers.get("etag")! });
  const second = await agent.post("write-file", "newer", { path }, { "if-match": first.headers.get("etag")! });

  assertEquals([first.status, second.status], [200, 200]);
  assertEquals(await agent.text("a"), "newer");
});

for (const versionHashBytes of [1024, 0]) {
  Deno.test(`POST /write-file with a stale version in If-Match answers 412 (hashed up to ${versionHashBytes} bytes)`, async () => {
    await using agent = await startFiles({ config: { versionHashBytes } });
    const path = await agent.file("a", "old");
    const read = await agent.get("read-file", { path });
    await read.body?.cancel();
    await Deno.writeTextFile(path, "changed by somebody");

    const response = await agent.post("write-file", "new", { path }, { "if-match": read.headers.get("etag")! });

    assertEquals(response.status, 412);
    assertEquals((await response.json()).code, "agentfiles_version_mismatch");
    assertEquals(await agent.text("a"), "changed by somebody");
  });
}

Deno.test("POST /write-file with If-Match answers 412 for a missing file and creates no directory", async () => {
  await using agent = await startFiles();

  const response = await agent.post("write-file", "x", { path: `${agent.folder}/new/a` }, { "if-match": "*" });

  assertEquals(response.status, 412);
  assertEquals(await agent.names(), []);
});

Deno.test("POST /write-file with If-None-Match: * creates a file and never replaces one", async () => {
  await using agent = await startFiles();
  const path = `${agent.folder}/a`;

  const first = await agent.post("write-file", "first", { path }, { "if-none-match": "*" });
  const second = await agent.post("write-file", "second", { path }, { "if-none-match": "*" });

  assertEquals([first.status, second.status], [200, 412]);
  assertEquals(await agent.text("a"), "first");
});

Deno.test("POST /write-file looks at the version again when the body has arrived", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "old");
  const read = await agent.get("read-file", { path });
  await read.body?.cancel();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Deno.writeTextFile(path, "changed while the body arrived");
      controller.enqueue(new TextEncoder().encode("new"));
      controller.close();
    },
  }, { highWaterMark: 0 });

  const response = await agent.post("write-file", body, { path }, { "if-match": read.headers.get("etag")! });

  assertEquals(response.status, 412);
  assertEquals(await agent.names(), ["a"]);
  assertEquals(await agent.text("a"), "changed while the body arrived");
});

Deno.test("POST /write-file lets exactly one of two writers with the same version win", async () => {
  await using agent = await startFiles();
  const path = await agent.file("a", "old");
  const read = await agent.get("read-file", { path });
  await read.body?.cancel();
  const etag = read.headers.get("etag");
  assertExists(etag);

  const answers = await Promise.all(
    ["one", "two"].map((text) => agent.post("write-file", text, { path }, { "if-match": etag })),
  );

  assertEquals(answers.map(({ status }) => status).sort(), [200, 412]);
});

Deno.test("POST /write-file tells the chat and its ancestors which path was touched, as the request names it", async () => {
  await using agent = await startFiles();
  await agent.file("target", "old");
  const path = `${agent.folder}/link`;
  await Deno.symlink("target", path);

  await agent.post("write-file", "x", { path }, CHAT_HEADERS);

  assertEquals(agent.touched, [{ chats: [CHAT, ANCESTOR], paths: [path] }]);
});

Deno.test("POST /write-file without chat headers touches nothing", async () => {
  await using agent = await startFiles();

  await agent.post("write-file", "x", { path: `${agent.folder}/a` });

  assertEquals(agent.touched, []);
});

Deno.test("POST /write-file that fails touches nothing", async () => {
  await using agent = await startFiles();

  await agent.post("write-file", "x", { path: agent.folder }, CHAT_HEADERS);

  assertEquals(agent.touched, []);
});

Deno.test("POST /write-file publishes the change with the chat and the real path", async () => {
  await using agent = await startFiles();
  const path = `${agent.folder}/a`;
  const stop = new AbortController();
  const changes = agent.agent.service(FileChanges).watch(stop.signal);

  await agent.post("write-file", "four", { path }, CHAT_HEADERS);
  stop.abort();

  assertEquals(await Array.fromAsync(changes), [{
    type: "change",
    change: {
      kind: "write",
      requestPath: path,
      path,
      created: true,
      bytes: 4,
      at: agent.agent.clock.now(),
      chatIds: [CHAT, ANCESTOR],
    },
  }]);
});

for (const name of ["/dev/zero", "/dev/null"]) {
  Deno.test(`POST /write-file refuses the device ${name}`, async () => {
    await using agent = await startFiles();

    const response = await agent.post("write-file", "x", { path: name });

    assertEquals(response.status, 400);
    assertStringIncludes(await messageOf(response), "it is a character device");
  });
}

Deno.test("POST /write-file keeps the old file and cleans up when the client goes away half way", async () => {
  const { promise: removed, resolve: onRemoved } = Promise.withResolvers<string>();
  const { promise: writing, resolve: onWrite } = Promise.withResolvers<void>();
  await using agent = await startFiles({
    files: {
      async open(path, options) {
        if (options?.access === "create") onWrite();
        return await systemFiles.open(path, options);
      },
      async remove(path) {
        await systemFiles.remove(path);
        onRemoved(path);
      },
    },
  });
  const path = await agent.file("a", "old content");
  const socket = await agent.agent.agent.listenUnix(`${agent.folder}/socket`);
  const connection = await Deno.connect({ transport: "unix", path: socket });

  await connection.write(new TextEncoder().encode(
    `POST /api/v0/write-file?path=${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nnew`,
  ));
  await writing;
  connection.close();

  assertStringIncludes(await removed, "/.a.tmp.");
  assertEquals(await agent.text("a"), "old content");
  assertEquals(await agent.names(), ["a", "socket"]);
});
