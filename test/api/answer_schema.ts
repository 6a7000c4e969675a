/**
 * Holds answers to what the API document says about them.
 *
 * @module
 */
import { z } from "zod";

import type { ApiDocument, DocumentObject } from "../../core/http/api_document.ts";

/** Says what is wrong with an answer; `undefined` when it is as described. */
export type CheckAnswer = (operation: DocumentObject, status: number, body: unknown) => string | undefined;

/** Makes the check for one document; a schema is compiled once. */
export function answerChecker(document: ApiDocument): CheckAnswer {
  const compiled = new Map<string, z.ZodType>();

  function schemaFor(schema: DocumentObject): z.ZodType {
    const key = JSON.stringify(schema);
    const found = compiled.get(key) ?? z.fromJSONSchema(JSON.parse(
      JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll("#/components/schemas/", "#/$defs/"),
    ));
    compiled.set(key, found);
    return found;
  }

  return (operation, status, body) => {
    const responses = operation.responses as Record<string, DocumentObject>;
    const described = responses[status] ?? (status >= 400 ? responses.default : undefined);
    if (described === undefined) return `${status} is not described`;
    const { content } = referred(document, described) as {
      readonly content?: Record<string, { schema?: DocumentObject }>;
    };
    const json = content?.["application/json"];
    if (json === undefined) return `${status} has no JSON body`;
    const { schema } = json;
    if (schema === undefined) return undefined; // Any JSON, such as this document itself.
    const result = schemaFor(schema).safeParse(body);
    return result.success ? undefined : z.prettifyError(result.error);
  };
}

function referred(document: ApiDocument, value: DocumentObject): DocumentObject {
  if (typeof value.$ref !== "string") return value;
  const path = value.$ref.slice("#/".length).split("/");
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document) as DocumentObject;
}
