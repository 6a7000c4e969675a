/**
 * What goes wrong between a client and an agent.
 *
 * @module
 */
import type { Problem } from "./gen/api.ts";

/** The agent refused a request. `message` is the agent's own, with its detail. */
export class OutpostApiError extends Error {
  override readonly name = "OutpostApiError";
  /** Stable, for programs: `not_found`, `process_limit` and so on. */
  readonly code: string;

  /**
   * @param status HTTP status of the answer.
   * @param problem Its body; made up from the text when something in between answered.
   */
  constructor(readonly status: number, readonly problem: Problem) {
    super([problem.message, problem.detail].filter((part) => part).join(": "));
    this.code = problem.code;
  }
}

/** The connection ended before the answer did, and could not be continued. */
export class OutpostConnectionError extends Error {
  override readonly name = "OutpostConnectionError";
  readonly code = "connection_lost";
}

/** The error in an answer that is not good. Uses up the body. */
export async function errorOf(response: Response): Promise<OutpostApiError> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<Problem> | null;
    if (typeof body?.message === "string") {
      return new OutpostApiError(response.status, { ...body, message: body.message, code: body.code ?? "unknown" });
    }
  } catch {
    // Not JSON: something in between answered. Its text is all there is to show.
  }
  const message = text.trim() || "The agent answered with an error and no text";
  return new OutpostApiError(response.status, { message, code: "unknown" });
}
