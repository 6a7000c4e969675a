import { assertEquals } from "@std/assert";

import { mimeTypeOf } from "./mime_types.ts";

Deno.test("mimeTypeOf() goes by the last extension, in any case", () => {
  assertEquals(mimeTypeOf("/a/photo.PNG"), "image/png");
  assertEquals(mimeTypeOf("/a/notes.txt"), "text/plain; charset=utf-8");
  assertEquals(mimeTypeOf("/a/package.json"), "application/json");
  assertEquals(mimeTypeOf("/a/x.tar.gz"), "application/gzip");
});

Deno.test("mimeTypeOf() calls everything else bytes", () => {
  for (const path of ["/a/Makefile", "/a.png/x", "/a/x.", "/a/x.unknown", "/a/x.constructor"]) {
    assertEquals(mimeTypeOf(path), "application/octet-stream");
  }
});
