import { assertEquals, assertStringIncludes } from "@std/assert";

import { messageOf, startFiles } from "./_fixture.ts";
import { denied } from "./_fixture.ts";

Deno.test("GET /resolve-path follows links and keeps what does not exist", async () => {
  await using agent = await startFiles();
  await Deno.mkdir(`${agent.folder}/real`);
  await Deno.symlink("real", `${agent.folder}/link`);

  const response = await agent.get("resolve-path", { path: `${agent.folder}/link/new/file` });

  assertEquals(response.status, 200);
  assertEquals(await response.json(), { resolved_path: `${agent.folder}/real/new/file` });
});

Deno.test("GET /resolve-path refuses a relative path", async () => {
  await using agent = await startFiles();

  const response = await agent.get("resolve-path", { path: "some/path" });

  assertEquals(response.status, 400);
  assertStringIncludes(await messageOf(response), "must be absolute");
});

Deno.test("GET /resolve-path answers 403 when a directory may not be searched", async () => {
  await using agent = await startFiles({ files: { lstat: denied } });

  const response = await agent.get("resolve-path", { path: "/some/path" });

  assertEquals(response.status, 403);
});

Deno.test("GET /resolve-path answers 500 for links that lead in a circle", async () => {
  await using agent = await startFiles();
  await Deno.symlink("loop", `${agent.folder}/loop`);

  const response = await agent.get("resolve-path", { path: `${agent.folder}/loop` });

  assertEquals(response.status, 500);
  assertStringIncludes(await messageOf(response), "too many levels");
});
