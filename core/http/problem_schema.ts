/**
 * The error body as a schema. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import { ERROR_CODES, type ProblemBody } from "../errors.ts";

const VALIDATION = z.object({
  field: z.string().describe("Path of the field: `files[0].path`, or a query parameter's name."),
  detail: z.string().describe("What is wrong with it and what was expected."),
}).meta({ id: "Validation" });

/** The one shape of every error body. */
export const PROBLEM: z.ZodType<ProblemBody> = z.object({
  message: z.string().describe("What could not be done."),
  detail: z.string().optional().describe("The underlying error's text."),
  validations: z.array(VALIDATION).optional().describe("One entry per wrong field of the request."),
  code: z.string().describe(`Stable: ${Object.keys(ERROR_CODES).join(", ")}, or a plugin's own.`),
  plugin: z.string().optional().describe("Id of the plugin whose route answered."),
  requestId: z.string().optional().describe("Joins the answer with the lines of the log."),
}).meta({ id: "Problem" });
