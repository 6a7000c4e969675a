/**
 * An agent killed while the control plane is away leaves every batch it has counted as written in its journal.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { create, toBinary } from "@bufbuild/protobuf";

import { ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";
import { decodeBatch } from "../../plugins/boundarylogs/batch_codec.ts";
import { encodeFrame, FrameTag } from "../../plugins/boundarylogs/frame.ts";
import { Journal } from "../../plugins/boundarylogs/journal.ts";
import { type AgentProcess, startAgent } from "../agent_process.ts";

const BATCHES = 1000;
/** Longest wait for the agent to write them, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;
const SPILLED = "agent_boundarylogs_journal_spilled_batches_total";

Deno.test("boundarylogs keeps what it has spilled when the agent is killed", async () => {
  await using agent = await startAgent({ args: ["--set", "plugins.boundarylogs.config.spill.enabled=true"] });
  const home = agent.env.HOME!;
  using jail = await Deno.connect({ transport: "unix", path: join(home, "outpost", "boundary.sock") });

  for (let i = 0; i < BATCHES; i++) await writeAll(jail, frameOf(i));
  await deadline(untilSpilled(agent), HANG_MS);
  agent.signal("SIGKILL");
  assertEquals((await agent.ended).signal, "SIGKILL");

  const directory = join(home, ".local/state/outpost/boundarylogs");
  const journal = await Journal.open({ directory, maxBytes: Infinity });
  const found: string[] = [];
  for (let bytes = await journal.read(); bytes !== undefined; bytes = await journal.read()) {
    found.push(decodeBatch(bytes).sessionId);
    await journal.advance();
  }
  await journal.close();
  assertEquals(found, Array.from({ length: BATCHES }, (_, i) => String(i)));
});

function frameOf(index: number): Uint8Array {
  const batch = create(ReportBoundaryLogsRequestSchema, {
    sessionId: String(index),
    logs: [{ sequenceNumber: index }],
  });
  return encodeFrame(FrameTag.logs, toBinary(ReportBoundaryLogsRequestSchema, batch));
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

async function untilSpilled(agent: AgentProcess): Promise<void> {
  for (;;) {
    const text = await (await agent.fetch("/metrics")).text();
    const line = text.split("\n").find((each) => each.startsWith(`${SPILLED} `));
    if (line !== undefined && Number(line.slice(SPILLED.length)) >= BATCHES) return;
  }
}
