/**
 * The tool by which an AI agent says how far its task is.
 *
 * @module
 */
import { z } from "zod";

import { defineTool, type Tool } from "./tool.ts";
import { TASK_STATES } from "./workspace_api.ts";

/** Longest summary, in bytes of UTF-8: it is shown in one line of a list. */
const MAX_SUMMARY_BYTES = 160;

/** Reports to whoever gave the task. Named as in Coder's own server, so that instructions for it fit. */
export const reportTask: Tool = defineTool({
  name: "coder_report_task",
  title: "Report on the task",
  description:
    "Tells the user how far the task is. Call it when work begins, when what you do changes, when you wait for the user " +
    "(idle), when the task is done (complete) and when it cannot be done (failure).",
  part: "tasks",
  input: z.object({
    summary: z.string({ error: "summary is required" }).refine(fits, `summary is over ${MAX_SUMMARY_BYTES} bytes`)
      .describe(`What you are doing, in at most ${MAX_SUMMARY_BYTES} bytes.`),
    link: z.string({ error: "link is required" }).describe(
      "Address of the result, such as a pull request; may be empty.",
    ),
    state: z.enum(TASK_STATES, { error: `state must be one of ${TASK_STATES.join(", ")}` }).describe(
      "State of the task.",
    ),
  }),
  result: z.looseObject({ message: z.string().describe("Thanks.") }),
  hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async run(report, api): Promise<{ readonly message: string }> {
    await api.tasks!.report(report);
    return { message: "Thanks for reporting!" };
  },
});

function fits(summary: string): boolean {
  return new TextEncoder().encode(summary).length <= MAX_SUMMARY_BYTES;
}
