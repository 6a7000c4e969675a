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

/** Longest error body that is read, in bytes. Ours are short; what something in between sends may have no end. */
const MAX_ERROR_BYTES = 256 * 1024;

/** The error in an answer that is not good. Uses up the body. */
export async function errorOf(response: Response): Promise<OutpostApiError> {
  const text = await startOf(response);
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

async function startOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let left = MAX_ERROR_BYTES;
  while (left > 0) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
  }
  await reader.cancel();
  return text;
}
