/**
 * `deno task client-types`: writes `client/gen/api.ts`, the types of the typed client, from the API document of the stock agent.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

import type { ApiDocument, DocumentObject } from "../core/http/api_document.ts";
import { createTestAgent } from "../core/testing/mod.ts";
import { standardPlugins } from "../plugins/standard.ts";

/** Where the types are written. */
export const CLIENT_TYPES: string = fromFileUrl(new URL("../client/gen/api.ts", import.meta.url));

/** The document of an agent with every standard plugin and its defaults. */
export async function stockDocument(): Promise<ApiDocument> {
  await using agent = await createTestAgent({ plugins: standardPlugins, time: "real" });
  return await (await agent.get("/api/v0/openapi.json")).json();
}

/** Writes a document as TypeScript: an interface per named schema, and the table of operations. */
export function renderTypes({ paths, components }: ApiDocument): string {
  const schemas = Object.entries(components.schemas).sort(([a], [b]) => a < b ? -1 : 1);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  ).sort((a, b) => String(a.operation.operationId) < String(b.operation.operationId) ? -1 : 1);
  return [
    HEADER,
    ...schemas.map(([name, schema]) =>
      `/** ${docOf(schema, `${name}, as it is sent.`)} */\nexport ${declaration(name, schema)}`
    ),
    `/** Method and path of every operation. */`,
    `export const ROUTES = {`,
    ...operations.map(({ path, method, operation }) =>
      `  ${JSON.stringify(operation.operationId)}: { method: ${JSON.stringify(method.toUpperCase())}, path: ${
        JSON.stringify(path)
      } },`
    ),
    `} as const satisfies Readonly<Record<keyof Operations, { readonly method: string; readonly path: string }>>;\n`,
    `/** What every operation takes and answers. */`,
    `export interface Operations {`,
    ...operations.map(({ operation }) => renderOperation(operation)),
    `}`,
    "",
  ].join("\n");
}

const HEADER = `/**
 * Types of the agent's API. Written by \`deno task client-types\` from \`/api/v0/openapi.json\`; do not edit.
 *
 * @module
 */
/** No parameters of this kind. */
export type None = Readonly<Record<never, never>>;
/** Bytes of any kind, sent or received as a stream. */
export type Bytes = ReadableStream<Uint8Array>;
`;

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: DocumentObject;
}

function declaration(name: string, schema: DocumentObject): string {
  return "properties" in schema
    ? `interface ${name} ${members(schema, "")}\n`
    : `type ${name} = ${typeOf(schema, "")};\n`;
}

function renderOperation(operation: DocumentObject): string {
  const parameters = (operation.parameters ?? []) as readonly Parameter[];
  const of = (place: Parameter["in"]) => {
    const found = parameters.filter((parameter) => parameter.in === place);
    if (found.length === 0) return "None";
    return block(
      found.map(({ name, required, description, schema }) => ({ name, required, description, schema })),
      "    ",
    );
  };
  const body = (operation.requestBody as { readonly content: DocumentObject } | undefined)?.content;
  const answers = Object.entries(operation.responses as Record<string, DocumentObject>)
    .filter(([status]) => /^[123]/.test(status))
    .map(([, answer]) => contentType(answer.content as DocumentObject | undefined));
  const socket = operation["x-websocket"] as Record<string, DocumentObject> | undefined;
  const events = Object.values(operation.responses as Record<string, DocumentObject>).find((it) => it["x-events"]);
  return [
    `  /** ${docOf({ description: operation.summary })} */`,
    `  readonly ${JSON.stringify(operation.operationId)}: {`,
    `    readonly path: ${of("path")};`,
    `    readonly query: ${of("query")};`,
    `    readonly body: ${body === undefined ? "undefined" : contentType(body)};`,
    `    readonly answer: ${[...new Set(answers)].join(" | ")};`,
    ...(events
      ? [`    readonly events: ${
        block(
          Object.entries(events["x-events"] as Record<string, DocumentObject>)
            .map(([name, schema]) => ({ name, required: true, schema })),
          "    ",
        )
      };`]
      : []),
    ...(socket
      ? [
        `    readonly fromClient: ${typeOf(socket.fromClient!, "    ")};`,
        `    readonly fromAgent: ${typeOf(socket.fromAgent!, "    ")};`,
      ]
      : []),
    `  };`,
  ].join("\n");
}

/** JSON has a type; everything else is a stream of bytes, and no content is nothing. */
function contentType(content: DocumentObject | undefined): string {
  if (content === undefined) return "undefined";
  const json = content["application/json"] as { readonly schema?: DocumentObject } | undefined;
  return json?.schema ? typeOf(json.schema, "    ") : "Bytes";
}

function members(schema: DocumentObject, indent: string): string {
  const required = new Set((schema.required ?? []) as readonly string[]);
  const all = Object.entries(schema.properties as Record<string, DocumentObject>);
  return block(
    all.map(([name, member]) => ({
      name,
      required: required.has(name),
      description: member.description as string | undefined,
      schema: member,
    })),
    indent,
  );
}

function block(fields: readonly Omit<Parameter, "in">[], indent: string): string {
  const lines = fields.flatMap(({ name, required, description, schema }) => [
    ...(description ? [`${indent}  /** ${docOf({ description })} */`] : []),
    `${indent}  readonly ${/^\w+$/.test(name) ? name : JSON.stringify(name)}${required ? "" : "?"}: ${
      typeOf(schema, `${indent}  `)
    };`,
  ]);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function typeOf(schema: DocumentObject, indent: string): string {
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1)!;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = (schema.anyOf ?? schema.oneOf) as readonly DocumentObject[] | undefined;
  if (choices) return choices.map((choice) => typeOf(choice, indent)).join(" | ");
  const types = Array.isArray(schema.type) ? schema.type as string[] : [schema.type as string | undefined];
  return types.map((type) => primitive(type, schema, indent)).join(" | ");
}

function primitive(type: string | undefined, schema: DocumentObject, indent: string): string {
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayOf(typeOf((schema.items ?? {}) as DocumentObject, indent));
    case "object":
      if ("properties" in schema) return members(schema, indent);
      return `{ readonly [name: string]: ${typeOf((schema.additionalProperties || {}) as DocumentObject, indent)} }`;
    default:
      return "unknown";
  }
}

function arrayOf(item: string): string {
  return item.includes("|") ? `readonly (${item})[]` : `readonly ${item}[]`;
}

function docOf({ description }: DocumentObject, otherwise = ""): string {
  return String(description ?? otherwise).replaceAll("*/", "*\\/");
}

if (import.meta.main) await Deno.writeTextFile(CLIENT_TYPES, renderTypes(await stockDocument()));
