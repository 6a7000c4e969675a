/**
 * Refusals of the Messages API.
 *
 * @module
 * @see https://docs.anthropic.com/en/api/errors
 */

/** Longest error text that is shown, in characters. */
const MAX_TEXT = 500;
/** Kinds of errors that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(["rate_limit_error", "overloaded_error", "api_error", "timeout_error"]);

/** The API refused, before its answer or in the middle of it. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";

  /**
   * @param kind The API's word for it, such as `overloaded_error`.
   * @param isPassing Whether trying again may help.
   * @param retryAfterMs How long to wait before that, if the API says so.
   */
  constructor(message: string, readonly kind: string, readonly isPassing: boolean, readonly retryAfterMs?: number) {
    super(message);
  }
}

/** What an answer that is not good says. Uses up the body. */
export async function refusalOf(response: Response): Promise<ApiRefusal> {
  const { status, headers } = response;
  const { kind, text } = readError(await response.text());
  const isPassing = status === 408 || status === 409 || status === 429 || status >= 500;
  return new ApiRefusal(`${status} ${kind}: ${text}`, kind, isPassing, retryAfterMs(headers.get("retry-after")));
}

/** What an event `error` of a stream says. */
export function refusalOfEvent(data: string): ApiRefusal {
  const { kind, text } = readError(data);
  return new ApiRefusal(`${kind}: ${text}`, kind, PASSING.has(kind));
}

function readError(text: string): { readonly kind: string; readonly text: string } {
  try {
    const { error } = JSON.parse(text);
    if (typeof error?.message === "string") {
      return { kind: String(error.type ?? "error"), text: shorten(error.message) };
    }
  } catch {
    // Not JSON: something in between answered. Its text is all there is to show.
  }
  return { kind: "error", text: shorten(text.trim() || "no text") };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function shorten(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
