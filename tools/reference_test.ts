import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

import { referenceFiles } from "./reference.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

Deno.test("docs/reference and the golden API document are what the code says: run `deno task reference` after a change", async () => {
  for (const [path, text] of Object.entries(await referenceFiles())) {
    assertEquals(await Deno.readTextFile(join(ROOT, path)), text, `${path} is out of date`);
  }
});
