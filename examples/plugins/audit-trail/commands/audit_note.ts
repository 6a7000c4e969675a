/**
 * `outpost audit-note`: another process adds to the trail, over the agent's socket.
 *
 * @module
 */
import type { CommandContext } from "@outpost/agent";
import { withAgentSocket } from "@outpost/agent/agent-socket";
import { AuditTrailService } from "../gen/audit_trail_pb.ts";

/** Records what it is given as one note, or each line of its input. */
export async function auditNote(ctx: CommandContext): Promise<number> {
  const { args, input, out, err } = ctx;
  if (args.length === 0 && input === null) {
    await err("Say what to note: audit-note TEXT, or lines on standard input\n");
    return 2;
  }
  return await withAgentSocket(AuditTrailService, ctx, async (trail) => {
    for await (const note of args.length > 0 ? [args.join(" ")] : linesOf(input!)) {
      const { seq, hash } = await trail.append({ kind: "note", data: { note } });
      await out(`record ${seq} ${hash}\n`);
    }
    return 0;
  });
}

async function* linesOf(input: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of input.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
