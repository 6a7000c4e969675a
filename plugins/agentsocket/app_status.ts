/**
 * Status reports of tasks, on their way to the control plane.
 *
 * @module
 */
import { messageOf, type RpcUnavailableError } from "../../core/errors.ts";
import { LoadedLate } from "../../core/loaded_late.ts";
import type { Rpc } from "../../core/plugin.ts";
import type { UpdateAppStatusRequest } from "../../core/proto/gen/agent_pb.ts";
import type { TaskReport, TaskReporter, TaskState } from "./service.ts";

/** Longest message, in bytes of UTF-8: what the control plane takes. */
export const MAX_MESSAGE_BYTES = 160;

/** Numbers of the states in `UpdateAppStatusRequest`. */
const STATE_NUMBERS: Readonly<Record<TaskState, number>> = { working: 0, idle: 1, complete: 2, failure: 3 };

/** The fields of a status update. */
export type AppStatus = Pick<UpdateAppStatusRequest, "slug" | "state" | "message" | "uri">;
/** Sends one update. Rejects with what the control plane answered, or why it cannot be asked. */
export type SendAppStatus = (status: AppStatus, signal?: AbortSignal) => Promise<void>;

/** Sends updates over the agent's connection, after checking what the control plane would refuse. */
export function appStatusSender(rpc: Rpc): SendAppStatus {
  const client = new LoadedLate(async () => rpc.client((await import("../../core/proto/gen/agent_pb.ts")).Agent));
  return async ({ slug, state, message, uri }, signal) => {
    checkAppStatus({ slug, state, message, uri });
    await (await client.use()).updateAppStatus({ slug, state, message, uri }, { signal });
  };
}

/** @throws {RangeError} When the control plane would not take it. */
export function checkAppStatus({ slug, state, message }: AppStatus): void {
  if (slug === "") throw new RangeError("Cannot update the app status: the slug of the app is empty");
  const bytes = new TextEncoder().encode(message).length;
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `Cannot update the app status: the message has ${bytes} bytes and must be at most ${MAX_MESSAGE_BYTES} bytes`,
    );
  }
  if (!Object.values(STATE_NUMBERS).includes(state)) {
    throw new RangeError(`Cannot update the app status: state ${state} is unknown, known are 0 to 3`);
  }
}

/** The service for other plugins. */
export function taskReporter(send: SendAppStatus): TaskReporter {
  return {
    report: ({ slug, state, message, uri }: TaskReport, signal?: AbortSignal) =>
      send({ slug, state: STATE_NUMBERS[state], message, uri }, signal),
  };
}

/** What a caller on the socket reads when there is no control plane to ask; callers look for the first words. */
export function notConnectedText(error: RpcUnavailableError): string {
  return `agent not connected to coderd: ${messageOf(error)}`;
}
