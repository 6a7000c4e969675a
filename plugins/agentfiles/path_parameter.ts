/**
 * The `path` parameter that all routes share.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";

/** What an absolute path looks like, for the API document. */
export const ABSOLUTE_PATH = "^/[^\\u0000]*$";

/**
 * Refuses a query whose percent escapes are not UTF-8. They would silently become U+FFFD, and a write would then go to a file
 * nobody named.
 *
 * @throws {HttpProblem} 400 that names the parameter.
 */
export function requireReadableQuery(url: string): void {
  const query = url.split("?", 2)[1] ?? "";
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    try {
      decodeURIComponent(pair.slice(equals + 1).replace(LONE_PERCENT, "%25"));
    } catch {
      throw new HttpProblem(400, "Query parameters have invalid values", {
        code: "validation_failed",
        validations: [{
          field: equals === -1 ? pair : pair.slice(0, equals),
          detail: "value is not valid UTF-8; files whose names are not UTF-8 cannot be named",
        }],
      });
    }
  }
}

/** A percent sign that starts no escape stands for itself, as in every form decoder. */
const LONE_PERCENT = /%(?![0-9A-Fa-f]{2})/g;
