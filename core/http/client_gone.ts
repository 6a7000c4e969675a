/**
 * Tells errors that mean "nobody waits for the answer any more" from faults.
 *
 * @module
 */

/** How Deno answers questions about a request whose connection is closed. */
const REQUEST_CLOSED = /\brequest closed$/i;

/** How Deno ends the reading of a body whose connection is closed half way. */
const BODY_CUT = /^Cannot read request body\b/;

/**
 * Whether a handler failed only because its client went away: it passed on the abort, or asked the request for more. A handler
 * may have made that the cause of an error of its own.
 */
export function isClientGone(error: unknown, request: Request): boolean {
  if (isOfClosedRequest(error, request)) return true;
  return error instanceof Error && isOfClosedRequest(error.cause, request);
}

function isOfClosedRequest(error: unknown, request: Request): boolean {
  if (error instanceof TypeError && REQUEST_CLOSED.test(error.message)) return true;
  if (error instanceof Deno.errors.BadResource && BODY_CUT.test(error.message)) return true;
  // The prototype's own signal: the request's was replaced by one that deadlines abort too.
  const client: AbortSignal = Reflect.get(Object.getPrototypeOf(request), "signal", request);
  return client.aborted && (error === client.reason || error instanceof DOMException && error.name === "AbortError");
}
