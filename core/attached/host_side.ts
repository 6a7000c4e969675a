/**
 * What an attached program may ask of the agent while it runs: each message is a call of the plugin's context.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";

import { aborted } from "../aborted.ts";
import { messageOf, type PluginPhase, RpcUnavailableError } from "../errors.ts";
import type { Needs, PluginContext, Variables } from "../plugin.ts";
import { roadOf } from "../road.ts";
import { RpcError } from "../rpc/drpc/error.ts";
import type { Conversation } from "./conversation.ts";
import type { LineGate } from "./program_output.ts";

/** Calls to the control plane at once; further ones are refused. */
const MAX_CALLS = 64;

const PHASES: ReadonlySet<string> = new Set<PluginPhase>([
  ...["setup", "start", "ready", "route", "webSocket", "task", "collect"] as const,
  ...["environment", "service", "reconfigure", "drain", "stop", "unhandled"] as const,
]);

/** What the program may see of the environment that the agent builds. */
export interface EnvironmentAccess {
  /** Whether it may have the whole of it, as it may start programs. */
  readonly whole: boolean;
  /** Names it sees of what its contributions build on. */
  readonly visible: (name: string) => boolean;
}

/** Answers the program's messages. */
export function serveProgram(
  ctx: PluginContext<unknown, Needs>,
  conversation: Conversation,
  gate: LineGate,
  access: EnvironmentAccess,
): void {
  const road = roadOf(ctx);
  conversation.on("log", ({ level, message, fields }) => gate.write(level, message, fields));
  conversation.on("health", ({ status, reason }) => {
    if (status === "ok") ctx.health.ok();
    else ctx.health.degraded(reason ?? "the plugin says so");
  });
  conversation.on("error", ({ phase, message }) => {
    const known = PHASES.has(phase) ? phase as PluginPhase : "unhandled";
    road.count(known);
    if (message !== undefined) gate.write("error", "plugin error", { phase: known, error: message });
  });
  serveEnvironment(ctx, conversation, access);
  serveCalls(ctx, conversation);
}

/** Tells the program when the control plane can be called and when not. */
export function tellOfControlPlane({ rpc }: PluginContext<unknown, Needs>, conversation: Conversation): void {
  rpc.whileConnected("attached plugin", async (_, signal) => {
    await conversation.send("rpc.connected");
    await aborted(signal);
    await conversation.send("rpc.disconnected");
  }, { until: "stop" });
}

function serveEnvironment(
  ctx: PluginContext<unknown, Needs>,
  conversation: Conversation,
  { whole, visible }: EnvironmentAccess,
): void {
  const contributed = new Map<string, Variables | undefined>();
  const asked = new Map<number, PromiseWithResolvers<Variables>>();
  let asking = 0;
  conversation.on("env.contribute", ({ name, variables }) => {
    const isNew = !contributed.has(name);
    contributed.set(name, variables);
    if (!isNew || ctx.signal.aborted) return;
    ctx.env.contribute(name, (base) => {
      const fixed = contributed.get(name);
      if (fixed !== undefined) return fixed;
      const id = asking++;
      const answer = Promise.withResolvers<Variables>();
      asked.set(id, answer);
      const shown = Object.fromEntries(Object.entries(base).filter(([each]) => visible(each)));
      void conversation.send("env.ask", { id, name, base: shown });
      return Promise.race([answer.promise, conversation.over]).finally(() => asked.delete(id));
    });
  });
  conversation.on("env.variables", ({ id, variables, error }) => {
    if (error === undefined) asked.get(id)?.resolve(variables ?? {});
    else asked.get(id)?.reject(new Error(error));
  });
  conversation.on("env.build", ({ id, layers }) => {
    if (!whole) {
      return void conversation.send("env.built", { id, error: 'the plugin does not declare the permission "run"' });
    }
    void ctx.env.build(layers).then((variables) => conversation.send("env.built", { id, variables }));
  });
}

function serveCalls(ctx: PluginContext<unknown, Needs>, conversation: Conversation): void {
  const road = roadOf(ctx);
  let calls = 0;
  conversation.on("rpc.call", ({ id, method, request }) => void answer(id, method, request));

  async function answer(id: number, method: string, request: string): Promise<void> {
    if (calls >= MAX_CALLS) {
      return await conversation.send("rpc.result", { id, error: { message: `more than ${MAX_CALLS} calls at once` } });
    }
    calls++;
    try {
      const response = await road.call(method, decodeBase64(request));
      await conversation.send("rpc.result", { id, response: encodeBase64(response) });
    } catch (error) {
      await conversation.send("rpc.result", { id, error: wireFailure(error) });
    } finally {
      calls--;
    }
  }
}

/** What the caller may want to tell apart. */
function wireFailure(error: unknown): Readonly<Record<string, unknown>> {
  const message = messageOf(error);
  if (error instanceof RpcUnavailableError) return { message, reason: error.reason };
  return error instanceof RpcError ? { message, remoteCode: String(error.remoteCode) } : { message };
}
