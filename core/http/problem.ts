/**
 * The one error body, made from anything that was thrown.
 *
 * @module
 */
import { HTTPException } from "hono/http-exception";

import { HttpProblem, type HttpProblemOptions, type ProblemBody } from "../errors.ts";
import { encodeJson, JSON_TYPE } from "./json.ts";

/** Where an error happened; joins its body. */
export interface ProblemPlace {
  /** Id of the plugin whose route failed. */
  readonly plugin?: string;
  /** Joins the answer with the lines of the log. */
  readonly requestId?: string;
}

/**
 * Turns anything thrown into a problem. What was not meant for the client becomes a plain 500: its text may hold paths or
 * secrets, and belongs into the log.
 */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (isHttpProblemLike(error)) return new HttpProblem(error.status, error.message, error);
  if (error instanceof HTTPException) return new HttpProblem(error.status, error.message || "Request failed");
  return new HttpProblem(500, "An internal error occurred", { code: "internal", cause: error });
}

/** The error body of a problem. Fields without a value are absent. */
export function problemBody(problem: HttpProblem, place: ProblemPlace): ProblemBody {
  return {
    message: problem.message,
    ...(problem.detail && { detail: problem.detail }),
    ...(problem.validations?.length && { validations: problem.validations }),
    code: problem.code,
    ...(place.plugin && { plugin: place.plugin }),
    ...(place.requestId && { requestId: place.requestId }),
  };
}

/** Answers with the error body of anything thrown. */
export function problemResponse(error: unknown, place: ProblemPlace): Response {
  const problem = problemOf(error);
  return new Response(encodeJson(problemBody(problem, place)), {
    status: problem.status,
    headers: { ...problem.headers, "content-type": JSON_TYPE },
  });
}

/** A plugin bundled with its own copy of the core throws that copy's class. */
function isHttpProblemLike(error: unknown): error is Error & HttpProblemOptions & { readonly status: number } {
  return error instanceof Error && error.name === "HttpProblem" && "status" in error && "code" in error &&
    Number.isInteger(error.status) && Number(error.status) >= 400 && Number(error.status) <= 599;
}
