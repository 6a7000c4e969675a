/**
 * How a reload is told over HTTP.
 *
 * @module
 */
import { ConfigError, type ConfigProblem, HttpProblem, type Validation } from "../errors.ts";
import { ReloadError, type ReloadReport } from "../reload/reload_report.ts";

/** The report as the wire has it. @throws {HttpProblem} 422 for a configuration with problems, 409 refused, 500 taken back. */
export async function reloadAnswer(reload: () => Promise<ReloadReport>): Promise<unknown> {
  try {
    const { plugins, agent } = await reload();
    return { plugins, agent: agent.map(({ path, inForce }) => ({ path, in_force: inForce })) };
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new HttpProblem(422, "The configuration has problems; nothing was changed", {
        code: error.code,
        validations: validations(error.problems),
      });
    }
    if (!(error instanceof ReloadError)) throw error;
    throw new HttpProblem(error.code === "reload_refused" ? 409 : 500, error.message, {
      code: error.code,
      validations: validations(error.problems),
      cause: error.cause,
    });
  }
}

function validations(problems: readonly ConfigProblem[]): readonly Validation[] {
  return problems.map(({ path, message, source }) => ({
    field: path,
    detail: source === undefined ? message : `${source}: ${message}`,
  }));
}
