/**
 * What the agent socket plugin counts.
 *
 * @module
 */
import type { Metrics, ServiceImplementation } from "../../core/plugin.ts";
import type { AgentSocket } from "../../core/proto/gen/agentsocket_pb.ts";

const METHODS = [
  "ping",
  "syncStart",
  "syncWant",
  "syncComplete",
  "syncReady",
  "syncStatus",
  "syncList",
  "updateAppStatus",
  "contextSources",
  "getContextSource",
  "addContextSource",
  "removeContextSource",
  "getContextSnapshot",
  "resyncContext",
] as const;

type Implementation = ServiceImplementation<typeof AgentSocket>;

/** Wraps every method so that its calls are counted. */
export function countCalls(metrics: Metrics, implementation: Implementation): Implementation {
  const calls = metrics.counter("calls_total", {
    help:
      "Calls on the agent socket, by method and outcome. Many failures of syncStart are units that wait for others; of " +
      "updateAppStatus, a control plane that is away or refuses; the caller was told which.",
    labels: { method: METHODS, outcome: ["ok", "error"] },
  });
  const wrapped = METHODS.map((method) => {
    const run = implementation[method] as ((request: unknown, call: unknown) => unknown) | undefined;
    return [method, async (request: unknown, call: unknown) => {
      try {
        const answer = await run?.(request, call);
        calls.inc({ method, outcome: "ok" });
        return answer;
      } catch (error) {
        calls.inc({ method, outcome: "error" });
        throw error;
      }
    }];
  });
  return Object.fromEntries(wrapped) as Implementation;
}
