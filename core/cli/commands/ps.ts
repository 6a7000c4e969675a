/**
 * `outpost ps`.
 *
 * @module
 */
import { OutpostClient } from "../../../client/mod.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { alignColumns } from "../text_table.ts";

/** Lists processes, running ones first, as the agent sorts them. */
export async function ps({ agent, flags, out }: CoreCommandContext): Promise<number> {
  const processes = await new OutpostClient(await agent()).processes.list();
  if (flags.has("json")) {
    await out(`${JSON.stringify(processes)}\n`);
    return EXIT.done;
  }
  if (processes.length === 0) {
    await out("No processes.\n");
    return EXIT.done;
  }
  const rows = processes.map((process) => [
    process.id.slice(0, SHORT_ID),
    process.running ? "running" : `exited ${process.exit_code ?? "?"}`,
    new Date(process.started_at_unix * 1000).toISOString(),
    oneLine([process.command, ...process.args ?? []].join(" ")),
  ]);
  await out(alignColumns([["ID", "STATE", "STARTED", "COMMAND"], ...rows]));
  return EXIT.done;
}

/** Characters of an id that are shown: enough to tell the few processes of one agent apart. */
const SHORT_ID = 8;
/** Longest command shown, in characters. */
const MAX_COMMAND = 80;

/** Line ends and other control characters would break the table, or steer the terminal. */
function oneLine(command: string): string {
  // deno-lint-ignore no-control-regex
  const plain = command.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
  return plain.length > MAX_COMMAND ? `${plain.slice(0, MAX_COMMAND)}…` : plain;
}
