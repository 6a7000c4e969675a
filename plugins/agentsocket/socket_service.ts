/**
 * The calls of the agent socket.
 *
 * @module
 */
import { messageOf, RpcUnavailableError } from "../../core/errors.ts";
import type { ServiceImplementation } from "../../core/plugin.ts";
import type { AgentSocket } from "../../core/proto/gen/agentsocket_pb.ts";
import { notConnectedText, type SendAppStatus } from "./app_status.ts";
import { UnitError, type UnitGraph } from "./unit_graph.ts";

/** What the calls work on. */
export interface SocketServiceOptions {
  readonly units: UnitGraph;
  readonly sendAppStatus: SendAppStatus;
}

/** What the methods for the workspace's context answer: this agent keeps none. */
const NO_CONTEXT = "context manager not available";

/** Implements the service. Errors carry the texts that programs written for Coder's agent know. */
export function socketService(
  { units, sendAppStatus }: SocketServiceOptions,
): ServiceImplementation<typeof AgentSocket> {
  return {
    ping: () => ({}),
    syncStart: ({ unit }) =>
      saying(`cannot start unit ${JSON.stringify(unit)}`, () => {
        units.register(unit);
        if (!units.isReady(unit)) throw new UnitError("not_ready", `unit not ready${openDependencies(units, unit)}`);
        units.setStatus(unit, "started");
        return {};
      }),
    syncWant: ({ unit, dependsOn }) =>
      saying("cannot add dependency", () => {
        units.depend(unit, dependsOn);
        return {};
      }),
    syncComplete: ({ unit }) =>
      saying(`cannot complete unit ${JSON.stringify(unit)}`, () => {
        units.setStatus(unit, "completed");
        return {};
      }),
    syncReady: ({ unit }) => saying("cannot check readiness", () => ({ ready: units.isReady(unit) })),
    syncStatus: ({ unit }) =>
      saying(`cannot get status for unit ${JSON.stringify(unit)}`, () => ({
        status: units.status(unit),
        isReady: units.isReady(unit),
        dependencies: units.dependencies(unit).map(({ unit, dependsOn, required, current, isSatisfied }) => ({
          unit,
          dependsOn,
          requiredStatus: required,
          currentStatus: current,
          isSatisfied,
        })),
      })),
    syncList: () => ({ units: units.units().map(({ name, status, isReady }) => ({ unit: name, status, isReady })) }),
    updateAppStatus: async (request, { signal }) => {
      try {
        await sendAppStatus(request, signal);
        return {};
      } catch (error) {
        // Without the control plane the reason is ours to tell; its own answer travels on as it is, code included.
        if (error instanceof RpcUnavailableError && error.reason !== "version") {
          throw new Error(notConnectedText(error));
        }
        throw error;
      }
    },
    contextSources: noContext,
    getContextSource: noContext,
    addContextSource: noContext,
    removeContextSource: noContext,
    getContextSnapshot: noContext,
    resyncContext: noContext,
  };
}

/** Runs `work`; what it throws leaves with `what` in front. */
function saying<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

function openDependencies(units: UnitGraph, unit: string): string {
  const open = units.dependencies(unit).filter(({ isSatisfied }) => !isSatisfied).map(({ dependsOn }) => dependsOn);
  return `: waiting for ${open.join(", ")}`;
}

function noContext(): never {
  throw new Error(NO_CONTEXT);
}
