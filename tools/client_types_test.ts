import { assert, assertEquals } from "@std/assert";

import { CLIENT_TYPES, renderTypes, stockDocument } from "./client_types.ts";

Deno.test("client/gen/api.ts is what the API document says: run `deno task client-types` after a change", async () => {
  assertEquals(await Deno.readTextFile(CLIENT_TYPES), renderTypes(await stockDocument()));
});

Deno.test("renderTypes() writes an interface per schema and an entry per operation", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string", description: "Its name." }, age: { type: ["integer", "null"] } },
    required: ["name"],
  };
  const types = renderTypes({
    openapi: "3.1.0",
    info: { title: "t", version: "1" },
    components: { schemas: { Cat: schema } },
    paths: {
      "/cats/{id}": {
        put: {
          operationId: "cats.put",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Cat" } } } },
          responses: { 200: { content: { "application/json": { schema: { enum: ["a", "b"] } } } } },
        },
      },
    },
  });

  assert(types.includes("export interface Cat {\n  /** Its name. */\n  readonly name: string;\n"), types);
  assert(types.includes("  readonly age?: number | null;\n"), types);
  assert(types.includes(`  "cats.put": { method: "PUT", path: "/cats/{id}" },`), types);
  assert(types.includes("    readonly body: Cat;\n"), types);
  assert(types.includes(`    readonly answer: "a" | "b";\n`), types);
});
