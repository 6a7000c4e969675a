/**
 * Tells errors that mean "nobody waits for the answer any more" from faults.
 *
 * @module
 */

/** How Deno answers questions about a request whose connection is closed. */
const REQUEST_CLOSED = /\brequest closed$/i;

/** Whether a handler failed only because its client went away: it passed on the abort, or asked the request for more. */
export function isClientGone(error: unknown, request: Request): boolean {
  if (error instanceof TypeError && REQUEST_CLOSED.test(error.message)) return true;
  // The prototype's own signal: the request's was replaced by one that deadlines abort too.
  const client: AbortSignal = Reflect.get(Object.getPrototypeOf(request), "signal", request);
  return client.aborted && (error === client.reason || error instanceof DOMException && error.name === "AbortError");
}
