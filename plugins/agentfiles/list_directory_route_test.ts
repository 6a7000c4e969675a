import { assertEquals, assertStringIncludes } from "@std/assert";

import { denied, messageOf, startFiles } from "./_fixture.ts";

Deno.test("POST /list-directory refuses a relative path in the query with 500", async () => {
  await using agent = await startFiles();

  const response = await agent.post("list-directory", {}, { path: "some/path" });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "must be absolute");
});

Deno.test("POST /list-directory lists the directory of the query, whatever the body says", async () => {
  await using agent = await startFiles();
  await agent.file("a", "");

  const response = await agent.post("list-directory", { path: ["etc"], relativity: "root" }, { path: agent.folder });

  assertEquals(response.status, 200);
  assertEquals(await response.json(), {
    absolute_path: agent.folder.split("/").slice(1),
    absolute_path_string: agent.folder,
    contents: [{ name: "a", absolute_path_string: `${agent.folder}/a`, is_dir: false }],
  });
});

Deno.test("POST /list-directory demands JSON even when the query names the directory", async () => {
  await using agent = await startFiles();

  const response = await agent.post("list-directory", "", { path: agent.folder });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "valid JSON");
});

Deno.test("POST /list-directory answers 404 for a directory that does not exist", async () => {
  await using agent = await startFiles();

  const response = await agent.post("list-directory", { path: ["missing"], relativity: "home" });

  assertEquals(response.status, 404);
});

Deno.test("POST /list-directory answers 403 for a directory that may not be read", async () => {
  await using agent = await startFiles({
    files: {
      readDirectory: () => ({ [Symbol.asyncIterator]: () => ({ next: denied }) }),
    },
  });

  const response = await agent.post("list-directory", { path: [], relativity: "home" });

  assertEquals(response.status, 403);
});

Deno.test("POST /list-directory refuses a file with 500", async () => {
  await using agent = await startFiles();
  await agent.file("a", "");

  const response = await agent.post("list-directory", { path: ["a"], relativity: "home" });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "is not a directory");
});

Deno.test("POST /list-directory lists below home: directories first, then by the bytes of the name", async () => {
  await using agent = await startFiles();
  const below = `${agent.folder}/below`;
  await Deno.mkdir(`${below}/zdir`, { recursive: true });
  await Deno.mkdir(`${below}/Adir`);
  for (const name of ["b", "B", "\u{1f600}", "\uff5e", ".hidden"]) await agent.file(`below/${name}`, "");
  await Deno.symlink("zdir", `${below}/link`);

  const response = await agent.post("list-directory", { path: ["below"], relativity: "home" });

  const { absolute_path_string, contents } = await response.json();
  assertEquals(absolute_path_string, below);
  assertEquals(
    contents.map(({ name, is_dir }: { name: string; is_dir: boolean }) => is_dir ? `${name}/` : name),
    ["Adir/", "zdir/", ".hidden", "B", "b", "link", "\uff5e", "\u{1f600}"],
  );
});

Deno.test("POST /list-directory joins and cleans components below the root", async () => {
  await using agent = await startFiles();
  const components = agent.folder.split("/").slice(1);

  const response = await agent.post("list-directory", { path: [...components, "x", ".."], relativity: "root" });

  assertEquals((await response.json()).absolute_path_string, agent.folder);
});

Deno.test("POST /list-directory gives an empty list for an empty directory", async () => {
  await using agent = await startFiles();

  const response = await agent.post("list-directory", { path: [], relativity: "home" });

  assertEquals((await response.json()).contents, []);
});

Deno.test("POST /list-directory refuses an unknown relativity with 500", async () => {
  await using agent = await startFiles();

  const response = await agent.post("list-directory", { path: [], relativity: "toString" });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "unsupported relativity");
});

Deno.test("POST /list-directory gives what it read when reading stops midway", async () => {
  await using agent = await startFiles({
    files: {
      async *readDirectory() {
        yield { name: "seen", isDirectory: false };
        await Promise.reject(new Error("input/output error"));
      },
    },
  });

  const response = await agent.post("list-directory", { path: [], relativity: "home" });

  assertEquals(response.status, 200);
  assertEquals((await response.json()).contents.length, 1);
});
