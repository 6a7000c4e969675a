/**
 * The API document: OpenAPI 3.1, made from the descriptions of routes and the schemas that their handlers check with.
 *
 * Two members go beyond the standard, which knows neither: `x-websocket` holds the schemas of a WebSocket's messages, and
 * `x-events` those of server-sent events by name.
 *
 * @module
 */
import { z } from "zod";

import { PROBLEM } from "./problem_schema.ts";
import type { QueryParameter } from "./query.ts";
import type { AnswerDescription, BodyDescription, RouteDescription } from "./route_description.ts";

/** The routes of one plugin, or of the agent itself. */
export interface DescribedPlugin {
  readonly id: string;
  readonly summary: string;
  /** Prefix of every path. */
  readonly base: string;
  readonly routes: readonly RouteDescription[];
}

/** A JSON object of the document. */
export type DocumentObject = { readonly [key: string]: unknown };

/** The document. Everything in it is plain JSON. */
export interface ApiDocument extends DocumentObject {
  readonly openapi: string;
  readonly info: DocumentObject & { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentObject>>>>;
  readonly components: DocumentObject & { readonly schemas: Readonly<Record<string, DocumentObject>> };
}

/** Version of the OpenAPI specification that the document follows. */
const OPENAPI_VERSION = "3.1.0";

/** Describes everything that serves now. */
export function apiDocument(
  build: { readonly name: string; readonly version: string },
  plugins: readonly DescribedPlugin[],
): ApiDocument {
  const schemas = new Schemas();
  const paths: Record<string, Record<string, DocumentObject>> = {};
  for (const plugin of plugins) {
    for (const route of plugin.routes) {
      const path = `${plugin.base}${route.path === "/" && plugin.base !== "" ? "" : route.path}`
        .replace(PATH_PARAMETER, "{$1}");
      (paths[path] ??= {})[route.method] = operation(plugin.id, route, schemas);
    }
  }
  const problem = schemas.of(PROBLEM);
  return {
    openapi: OPENAPI_VERSION,
    info: {
      title: build.name,
      version: build.version,
      description: "What this agent serves now. Fields that are not listed may be added to answers at any time.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    tags: plugins.map(({ id, summary }) => ({ name: id, description: summary })),
    paths,
    components: {
      schemas: schemas.named,
      responses: { Problem: { description: "The one error body.", content: { [JSON_MEDIA]: { schema: problem } } } },
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "Not needed on the Unix socket." } },
    },
  };
}

/** A part of a path that varies; what it has to look like, in braces, is the route's own affair. */
const PATH_PARAMETER = /:(\w+)(?:\{[^}]*\})?/g;
const JSON_MEDIA = "application/json";
const BYTES_MEDIA = "application/octet-stream";

function operation(plugin: string, route: RouteDescription, schemas: Schemas): DocumentObject {
  const answers = Object.entries(route.answers).map(([status, it]) => [status, answer(Number(status), it, schemas)]);
  return {
    operationId: route.operation,
    tags: [plugin],
    summary: route.summary,
    ...(route.details !== undefined && { description: route.details }),
    ...(route.isOpen && { security: [] }),
    ...parameters(route),
    ...(route.body && { requestBody: requestBody(route.body, schemas) }),
    responses: { ...Object.fromEntries(answers), default: PROBLEM_REFERENCE },
    ...(route.messages && {
      "x-websocket": {
        fromClient: schemas.of(route.messages.fromClient),
        fromAgent: schemas.of(route.messages.fromAgent),
      },
    }),
  };
}

const PROBLEM_REFERENCE: DocumentObject = { $ref: "#/components/responses/Problem" };

function parameters({ path, parameters = {}, query = {}, headers = {} }: RouteDescription): DocumentObject {
  const all = [
    ...[...path.matchAll(PATH_PARAMETER)].map(([, name = ""]) => ({
      ...{ name, in: "path", required: true, description: parameters[name] ?? "" },
      schema: { type: "string", minLength: 1 },
    })),
    ...Object.entries(query).map(([name, parameter]) => queryParameter(name, parameter)),
    ...Object.entries(headers).map(([name, description]) => ({
      ...{ name, in: "header", required: false, description },
      schema: { type: "string" },
    })),
  ];
  return all.length === 0 ? {} : { parameters: all };
}

function queryParameter(name: string, parameter: QueryParameter): DocumentObject {
  const { required = false, summary = "" } = parameter;
  return { name, in: "query", required, description: summary, schema: QUERY_SCHEMAS[parameter.type](parameter) };
}

const QUERY_SCHEMAS: Readonly<Record<QueryParameter["type"], (parameter: QueryParameter) => DocumentObject>> = {
  text: (parameter) => ({
    type: "string",
    ...(parameter.required && { minLength: 1 }),
    ...("pattern" in parameter && { pattern: parameter.pattern }),
    ...defaultOf(parameter),
  }),
  count: (parameter) => ({ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...defaultOf(parameter) }),
  switch: (parameter) => ({ type: "boolean", ...defaultOf(parameter) }),
};

function defaultOf(parameter: QueryParameter): DocumentObject {
  return parameter.default === undefined ? {} : { default: parameter.default };
}

function requestBody({ summary, schema }: BodyDescription, schemas: Schemas): DocumentObject {
  return {
    required: true,
    ...(summary !== undefined && { description: summary }),
    content: schema === undefined ? { [BYTES_MEDIA]: {} } : { [JSON_MEDIA]: { schema: schemas.of(schema) } },
  };
}

function answer(status: number, described: AnswerDescription, schemas: Schemas): DocumentObject {
  const { summary, schema, mediaType, headers, events } = described;
  const isProblem = status >= 400 && schema === undefined;
  const content = isProblem
    ? { [JSON_MEDIA]: { schema: schemas.of(PROBLEM) } }
    : schema !== undefined
    ? { [JSON_MEDIA]: { schema: schemas.of(schema) } }
    : mediaType !== undefined
    ? { [mediaType]: {} }
    : undefined;
  return {
    description: summary,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
      ),
    }),
    ...(content && { content }),
    ...(events && {
      "x-events": Object.fromEntries(Object.entries(events).map(([name, data]) => [name, schemas.of(data)])),
    }),
  };
}

/** Converts schemas; those with an id go to one place and are referred to. */
class Schemas {
  readonly named: Record<string, DocumentObject> = {};

  of(schema: z.ZodType): DocumentObject {
    const { $schema: _, $defs = {}, ...converted } = z.toJSONSchema(schema, {
      io: "input",
      unrepresentable: "any",
      override: ({ jsonSchema }) => refine(jsonSchema as Record<string, unknown>),
    }) as Record<string, unknown>;
    for (const [name, definition] of Object.entries($defs as Record<string, DocumentObject>)) {
      const { id: _id, ...rest } = toComponents(definition) as DocumentObject;
      this.named[name] = rest;
    }
    return toComponents(converted) as DocumentObject;
  }
}

/**
 * What a handler checks beside its schema, in words of its own, stands in the schema's metadata: `wire` takes the place of
 * the JSON form, `requires` names members that may not be left out.
 */
function refine(schema: Record<string, unknown>): void {
  const { wire, requires, description } = schema;
  if (wire !== undefined) {
    for (const key of Object.keys(schema)) delete schema[key];
    Object.assign(schema, description === undefined ? {} : { description }, wire);
  }
  if (requires !== undefined) {
    delete schema.requires;
    schema.required = requires;
    for (const name of requires as readonly string[]) withoutNull((schema.properties as Members)[name]);
  }
}

type Members = Readonly<Record<string, { type?: unknown } | undefined>>;

/** A member that may not be left out may not be `null` either, which handlers take for the same. */
function withoutNull(member: { type?: unknown } | undefined): void {
  if (!Array.isArray(member?.type)) return;
  const types = member.type.filter((type) => type !== "null");
  member.type = types.length === 1 ? types[0] : types;
}

function toComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toComponents);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      key === "$ref" && typeof member === "string"
        ? [key, member.replace("#/$defs/", "#/components/schemas/")]
        : [key, toComponents(member)]
    ),
  );
}
