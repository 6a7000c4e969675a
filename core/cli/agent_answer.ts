/**
 * Answers of the agent, as commands read them.
 *
 * @module
 */

import { LimitedBytesTransformStream, toText } from "@std/streams";

/** Longest error body read, in bytes. The agent's are short; whatever else may answer should not fill the terminal. */
const MAX_PROBLEM_BYTES = 256 * 1024;

/** The agent refused a request of a command. */
export class AgentRefusedError extends Error {
  override readonly name = "AgentRefusedError";

  /** @param status HTTP status of the answer. */
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/**
 * The JSON body of a good answer.
 *
 * @throws {AgentRefusedError} If the agent answered with an error; the message is the agent's own.
 */
export async function answerOf<Body>(response: Response): Promise<Body> {
  if (response.ok) return await response.json() as Body;
  throw await refusalOf(response);
}

/** The error in an answer that is not good. Uses up the body. */
export async function refusalOf(response: Response): Promise<AgentRefusedError> {
  const bounded = response.body?.pipeThrough(new LimitedBytesTransformStream(MAX_PROBLEM_BYTES));
  const text = bounded === undefined ? "" : await toText(bounded);
  const { message, detail } = problemIn(text);
  return new AgentRefusedError(response.status, [message, detail].filter((part) => part).join(": "));
}

function problemIn(text: string): { readonly message: string; readonly detail?: string } {
  try {
    const body = JSON.parse(text);
    if (typeof body?.message === "string") return body;
  } catch {
    // Not JSON: something in between answered. Its text is all there is to show.
  }
  return { message: text.trim() || "The agent answered with an error and no text" };
}
