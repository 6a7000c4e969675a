/**
 * `outpost audit-run`: what a person runs in a terminal of their own is on the record, too.
 *
 * @module
 */
import type { CommandContext } from "@outpost/agent";
import { withAgentSocket } from "@outpost/agent/agent-socket";
import { AuditTrailService } from "../gen/audit_trail_pb.ts";

/** Records the command and what it is run on, runs it in this process's place, and records its end, also when a signal ended it. */
export async function auditRun(ctx: CommandContext): Promise<number> {
  const [program, ...rest] = ctx.args[0] === "--" ? ctx.args.slice(1) : ctx.args;
  if (program === undefined) {
    await ctx.err("Say what to run: audit-run -- COMMAND...\n");
    return 2;
  }
  const command: [string, ...string[]] = [program, ...rest];
  // Recorded first: what cannot be recorded is not run.
  const { seq } = await append(ctx, "command.started", { command, cwd: ctx.cwd, commit: await commitOf(ctx) });
  const { exitCode } = await ctx.run(command);
  // The signal that ended the command has aborted ours as well; the record is made all the same.
  const { env, cwd } = ctx;
  await append({ env, cwd, signal: AbortSignal.timeout(END_MS) }, "command.ended", { started: Number(seq), exitCode });
  return exitCode;
}

/** Time for the record of the end, in milliseconds. */
const END_MS = 5000;

function append(ctx: Pick<CommandContext, "env" | "cwd" | "signal">, kind: string, data: Data) {
  return withAgentSocket(AuditTrailService, ctx, (trail) => trail.append({ kind, data }));
}
type Data = Readonly<Record<string, string | number | string[]>>;

/** What is checked out where the command runs; empty where nothing is. */
async function commitOf(ctx: CommandContext): Promise<string> {
  const { output } = await ctx.run(["git", "rev-parse", "--quiet", "--verify", "HEAD"], { io: "capture" })
    .catch(() => ({ output: "" })); // No git on this machine.
  return output.trim();
}
