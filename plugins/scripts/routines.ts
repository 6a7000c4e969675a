/**
 * What is sent to the control plane. Imported when there is something to send, because it brings protobuf.
 *
 * @module
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import type { Rpc } from "../../core/plugin.ts";
import { Agent, Log_Level, Timing_Stage, Timing_Status } from "../../core/proto/gen/agent_pb.ts";
import { uuidBytes } from "../../core/uuid.ts";
import type { CompletionReport } from "./completion_reports.ts";
import type { LogSender } from "./log_sender.ts";

const LEVEL = { info: Log_Level.INFO, error: Log_Level.ERROR } as const;
const STAGE = { start: Timing_Stage.START, stop: Timing_Stage.STOP, cron: Timing_Stage.CRON } as const;
const STATUS = {
  ok: Timing_Status.OK,
  exit_failure: Timing_Status.EXIT_FAILURE,
  timed_out: Timing_Status.TIMED_OUT,
  pipes_left_open: Timing_Status.PIPES_LEFT_OPEN,
} as const;

/** Sends the lines of scripts while the connection lasts. */
export async function sendLogs(rpc: Rpc, signal: AbortSignal, sender: LogSender): Promise<void> {
  const client = rpc.client(Agent);
  await sender.run(async (sourceId, logs) => {
    const { logLimitExceeded } = await client.batchCreateLogs({
      logSourceId: uuidBytes(sourceId),
      logs: logs.map(({ atMs, level, output }) => ({ createdAt: timestampFromMs(atMs), level: LEVEL[level], output })),
    });
    return { limitExceeded: logLimitExceeded };
  }, signal);
}

/** Tells how a script went; `signal` ends the call. @throws What the call throws; the control plane may be away. */
export async function reportCompletion(rpc: Rpc, report: CompletionReport, signal: AbortSignal): Promise<void> {
  const { scriptId, stage, end } = report;
  await rpc.client(Agent).scriptCompleted({
    timing: {
      scriptId: uuidBytes(scriptId),
      start: timestampFromMs(end.startedAtMs),
      end: timestampFromMs(end.endedAtMs),
      exitCode: end.exitCode,
      stage: STAGE[stage],
      status: STATUS[end.status],
    },
  }, { signal });
}
