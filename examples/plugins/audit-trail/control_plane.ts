/**
 * What the control plane is told, in the messages that it knows already: a head of the chain is a line of the agent's log.
 *
 * @module
 */
import type { LogValue, PluginContext } from "@outpost/agent";
import type { AuditRecord } from "./chain.ts";
import type { HeadAnchor } from "./head_anchor.ts";

/** Under which the control plane shows the lines; one and the same everywhere, as its pages tell sources apart by it. */
export const LOG_SOURCE = "8f6e4cf2-92c5-4f5f-9d0a-5d8c3f1a7b64";

type Context = Pick<PluginContext<unknown, Record<never, never>>, "log" | "rpc">;

/** Hands heads over for as long as there is a connection, through the drain, and whenever it is back. */
export function anchorWhileConnected(ctx: Context, anchor: HeadAnchor): void {
  ctx.rpc.whileConnected("anchor the head of the trail", async (rpc, signal) => {
    await nameLogSource(ctx);
    // Loaded here: without a control plane nobody needs it.
    const { Agent, Log_Level } = await import("@outpost/agent/proto/agent");
    const agent = rpc.client(Agent);
    await anchor.serve(async (head) => {
      const { logLimitExceeded } = await agent.batchCreateLogs({
        logSourceId: uuidBytes(LOG_SOURCE),
        logs: [{ createdAt: timestamp(Date.parse(head.at)), level: Log_Level.INFO, output: lineOf(head) }],
      });
      if (logLimitExceeded) ctx.log.warn("heads are not kept any more", { reason: "the control plane's log is full" });
      return !logLimitExceeded;
    }, signal);
  }, { until: "stop" });
}

/** What stands in the control plane's log, to be given to `audit-verify`. */
export function lineOf({ seq, hash }: AuditRecord): string {
  return `audit-trail record ${seq} ${hash}`;
}

/** Gives the lines a name in the control plane's pages. They come without one, too. */
async function nameLogSource(ctx: Context): Promise<void> {
  try {
    const response = await ctx.rpc.fetch("/api/v2/workspaceagents/me/log-source", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: LOG_SOURCE, display_name: "Audit trail", icon: "" }),
    });
    await response.body?.cancel();
    if (!response.ok) refused(ctx, response.status);
  } catch (error) {
    refused(ctx, String(error));
  }
}

function refused(ctx: Context, answer: LogValue): void {
  ctx.log.debug("the log source has no name", { answer });
}

function uuidBytes(uuid: string): Uint8Array {
  return Uint8Array.from(uuid.replaceAll("-", "").match(/../g)!, (pair) => parseInt(pair, 16));
}

function timestamp(ms: number): { readonly seconds: bigint; readonly nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}
