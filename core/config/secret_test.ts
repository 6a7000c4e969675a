import { inspect } from "node:util";
import { assert, assertEquals } from "@std/assert";

import { Secret, secretString } from "./secret.ts";

Deno.test("Secret shows its value only when revealed", () => {
  const secret = new Secret("hunter2");

  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    Deno.inspect({ secret }),
    inspect({ secret }),
    Object.entries(secret).join(),
  ];

  for (const text of shown) assert(!text.includes("hunter2"), text);
  assertEquals(secret.reveal(), "hunter2");
});

Deno.test("secretString() gives a Secret and refuses the empty string", () => {
  const schema = secretString();

  assertEquals(schema.parse("a").reveal(), "a");
  assertEquals(schema.safeParse("").success, false);
});
