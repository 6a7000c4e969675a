/**
 * `outpost reload`.
 *
 * @module
 */
import type { ProblemBody } from "../../errors.ts";
import type { ReloadedPlugin } from "../../reload/reload_report.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { alignColumns } from "../text_table.ts";

/** The answer of the route. */
interface ReloadBody {
  readonly plugins: readonly ReloadedPlugin[];
  readonly agent: readonly { readonly path: string; readonly in_force: boolean }[];
}

/** Asks the running agent to reload and says what happened to each plugin. */
export async function reload(ctx: CoreCommandContext): Promise<number> {
  const agent = await ctx.agent();
  const response = await agent.fetch(`/api/v0/reload${ctx.flags.has("force") ? "?force=true" : ""}`, {
    method: "POST",
  });
  const body: unknown = await response.json();
  if (ctx.flags.has("json")) await ctx.out(`${JSON.stringify(body, null, 2)}\n`);
  else if (response.ok) await ctx.out(describeReload(body as ReloadBody));
  else await ctx.err(describeFailure(body as ProblemBody, `${ctx.program.invocation} reload --force`));
  if (response.ok) return EXIT.done;
  return response.status === 422 ? EXIT.usage : EXIT.failed;
}

/** One row for each plugin that was touched, then what waits for the next start. */
export function describeReload({ plugins, agent }: ReloadBody): string {
  const touched = plugins.filter(({ action }) => action !== "untouched");
  const untouched = plugins.length - touched.length;
  const rows = touched.map(({ id, action, because, state, ended = [], unfinished = [] }) => [
    id,
    action,
    state ?? "gone",
    [
      because ?? "",
      ...ended.map((process) => `ended ${process}`),
      ...unfinished.map((what) => `did not finish: ${what}`),
    ].filter((part) => part !== "").join("; "),
  ]);
  const table = rows.length === 0 ? "" : alignColumns([["ID", "ACTION", "STATE", "WHY"], ...rows]);
  const settings = agent.map(({ path, in_force }) =>
    in_force ? `${path} is in force\n` : `${path} waits for the next start of the agent\n`
  );
  const rest = touched.length === 0 ? "No plugin was touched.\n" : `${untouched} other plugins were not touched.\n`;
  return [table, rest, ...settings].join("");
}

function describeFailure({ message, code, validations = [] }: ProblemBody, forced: string): string {
  const problems = validations.map(({ field, detail }) => `  ${field}: ${detail}\n`);
  const hint = code === "reload_refused" && problems.length > 0 ? `To let them end: ${forced}\n` : "";
  return `${message}\n${problems.join("")}${hint}`;
}
