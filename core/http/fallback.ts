/**
 * What a Hono app answers when no handler did, and which of its routes did.
 *
 * @module
 */
import type { Hono } from "hono";

import { HttpProblem } from "../errors.ts";

/** Hono's name for "any method": middleware, and routes made with `all`. */
const ANY = "ALL";

interface Match {
  readonly method: string;
  readonly path: string;
}

/** The full pattern of the route that answers, for metrics: `/api/v0/agentproc/:id/output`. Empty when there is none. */
export function patternOf(app: Hono, method: string, path: string): string {
  const matches = matchesOf(app, method === "HEAD" ? "GET" : method, path);
  // Middleware comes along with the routes; the route itself names a method, or is the last one.
  return (matches.find((match) => match.method !== ANY) ?? matches.at(-1))?.path ?? "";
}

/** 405 with `Allow` when the path has other methods, else 404. */
export function unmatched(app: Hono, method: string, path: string): HttpProblem {
  const methods = new Set(app.routes.map((route) => route.method).filter((name) => name !== ANY));
  const allowed = [...methods].filter((name) => matchesOf(app, name, path).some((match) => match.method === name));
  if (allowed.length === 0) return new HttpProblem(404, "No such route", { detail: `${method} ${path}` });
  if (allowed.includes("GET")) allowed.push("HEAD");
  const allow = allowed.sort().join(", ");
  return new HttpProblem(405, "Method is not allowed", {
    detail: `${method} ${path}: allowed is ${allow}`,
    headers: { allow },
  });
}

function matchesOf(app: Hono, method: string, path: string): readonly Match[] {
  return app.router.match(method, path)[0].map(([[, route]]) => route);
}
