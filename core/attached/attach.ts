/**
 * One life of an attached plugin: starts its program, listens to it, and joins it to the context it stands for.
 *
 * @module
 */
import { join } from "@std/path";

import { z } from "zod";

import { aborted } from "../aborted.ts";
import type { JsonSchema } from "../config/schema_shape.ts";
import { checkValue } from "../config/schema_problems.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { randomToken } from "../http/token.ts";
import { API_PREFIX } from "../http/prefix_table.ts";
import type { Needs, PluginContext } from "../plugin.ts";
import { roadOf } from "../road.ts";
import { openTemporaryDirectory } from "../temporary_directory.ts";
import { AttachedPluginError } from "./attached_error.ts";
import { Conversation } from "./conversation.ts";
import { commandOf } from "./entry_command.ts";
import { serveProgram, tellOfControlPlane } from "./host_side.ts";
import type { LostSocket } from "./lost_socket.ts";
import { joinManifest } from "./manifest.ts";
import { describeExit, Program, startError } from "./program.ts";
import type { ProgramCommand } from "./program_command.ts";
import type { ProgramEntry } from "./program_entry.ts";
import { LineGate } from "./program_output.ts";
import {
  commonProtocol,
  PROTOCOLS,
  PROTOCOLS_VARIABLE,
  type Said,
  type SaidType,
  SOCKET_VARIABLE,
  TOKEN_VARIABLE,
} from "./protocol.ts";

/** Time from the start of the program to its `ready`, in milliseconds, unless the agent gives a set-up more. */
const START_LIMIT_MS = 15_000;
/** Time between two pings, and so the longest silence, in milliseconds. */
const PING_MS = 10_000;
/** Time for a program that ended its conversation to exit by itself, in milliseconds: its exit says more than its silence. */
const EXIT_GRACE_MS = 500;

type Context = PluginContext<Readonly<Record<string, unknown>>, Needs>;

/**
 * Sets up the life that `ctx` stands for.
 *
 * @param told Hears what the program says about itself.
 * @throws {AttachedPluginError} When the program cannot be started or does not keep to the protocol.
 */
export async function attach(ctx: Context, entry: ProgramEntry, told: (hello: Said<"hello">) => void): Promise<void> {
  const { setupMs } = roadOf(ctx).deadlines;
  const limitMs = Math.max(START_LIMIT_MS, setupMs);
  const deadline = new Deadline(ctx.clock, setupMs).nested(limitMs);
  const command = await commandOf(entry, ctx);
  const readyBy = new Deadline(ctx.clock, limitMs);
  const { conversation, program, directory } = await start(ctx, command);

  const hello = await expectInTime(ctx, conversation, deadline, "hello");
  told(hello);
  await conversation.send("configure", {
    protocol: commonProtocol(hello.protocols),
    config: await checkedSettings(ctx, hello, conversation),
    prefix: command.prefix.map((segment) => `${API_PREFIX}/${segment}`),
    agent: { version: ctx.host.agentVersion, commandLine: ctx.host.commandLine },
    deadlines: roadOf(ctx).deadlines,
    directory: await ctx.exec.directory(),
    scriptBinDirectory: ctx.env.scriptBinDirectory,
    controlPlane: ctx.rpc.isConfigured,
  });
  const manifest = await expectInTime(ctx, conversation, deadline, "manifest");
  const http = await joinManifest(ctx, conversation, manifest, { directory, mount: entry.attached.mount ?? entry.id });

  tellOfControlPlane(ctx, conversation);
  void conversation.over.catch((error) => http?.end(error.message));
  // Waiting for other plugins between set-up and start is no time of this program.
  addHooks(ctx, conversation, { drainMs: manifest.drainMs, leftMs: readyBy.leftMs, socket: http?.socket });
  // Tasks, as those begin when the plugin runs: only then there is something to end.
  ctx.tasks.run("ping", (signal) => ping(ctx, conversation, http?.socket, signal));
  ctx.tasks.run("program", async (signal) => {
    await Promise.race([conversation.over, aborted(signal)]).catch((error) => {
      if (!program.isEnding) roadOf(ctx).fail(error);
    });
  });
}

interface Started {
  readonly conversation: Conversation;
  readonly program: Program;
  /** Where the two meet; private to this user. */
  readonly directory: string;
}

/** Starts the program with a place to report to. Everything taken is released with the context. */
async function start(ctx: Context, command: ProgramCommand): Promise<Started> {
  const gate = new LineGate(ctx.clock, ctx.log);
  const { path: directory } = ctx.defer(await openTemporaryDirectory("outpost-plugin-").catch(noPlace));
  const token = randomToken();
  const socketPath = join(directory, "agent.sock");
  const exited = Promise.withResolvers<void>();
  const conversation = new Conversation({
    ...{ id: ctx.plugin.id, token, clock: ctx.clock },
    lastWords: () => Promise.race([exited.promise, ctx.clock.sleep(EXIT_GRACE_MS, ctx.signal).catch(() => {})]),
    unknown: (type) => gate.write("debug", "message of an unknown type", { type }),
  });
  serveProgram(ctx, conversation, gate, command.access);
  await ctx.socket.listen(socketPath, (connection, signal) => conversation.accept(connection, signal)).catch(noPlace);

  const child = await roadOf(ctx).spawn({ command: [command.program, ...command.argumentsFor(socketPath)] }, {
    ...command.variables,
    [SOCKET_VARIABLE]: socketPath,
    [TOKEN_VARIABLE]: token,
    [PROTOCOLS_VARIABLE]: PROTOCOLS.join(","),
  }).catch((error) => {
    throw startError(error);
  });
  const program = new Program(child, { clock: ctx.clock, gate });
  ctx.defer(() => program.end(() => conversation.send("stop", { reason: messageOf(ctx.signal.reason) })));
  void program.exited.then((status) => {
    const early = conversation.hasBegun ? "" : ', and had not said "hello": see docs/attached_plugins.md';
    conversation.fail(new AttachedPluginError(describeExit(status) + early));
    exited.resolve();
  });
  ctx.log.debug("program started", { pid: program.pid, program: command.program });
  return { conversation, program, directory };
}

/** A disk without room may have some when the plugin is tried again. @throws {AttachedPluginError} Always. */
function noPlace(error: unknown): never {
  throw new AttachedPluginError(messageOf(error), { cause: error });
}

/** Tells the program each moment of the agent's life, and waits where an answer is due. */
function addHooks(
  ctx: Context,
  conversation: Conversation,
  { drainMs, leftMs, socket }: {
    readonly drainMs: number | undefined;
    /** Milliseconds that are left of its start when it is set up. */
    readonly leftMs: number;
    readonly socket: LostSocket | undefined;
  },
): void {
  const { hooks, clock } = ctx;
  hooks.onStart(async () => {
    const own = new Deadline(clock, roadOf(ctx).deadlines.startMs).nested(Math.max(1, leftMs));
    await conversation.send("start");
    const { announce } = await expectInTime(ctx, conversation, own, "ready");
    if (announce !== undefined) ctx.announce(announce);
  });
  hooks.onReady(() => conversation.send("listening"));
  hooks.onStopping((reason) => {
    socket?.leave();
    void conversation.send("stopping", { reason });
  });
  hooks.onDrain(async (signal) => {
    socket?.leave();
    await conversation.send("drain", { deadlineMs: drainMs ?? null });
    await Promise.race([conversation.expect("drained"), aborted(signal)]);
  }, drainMs === undefined ? {} : { deadlineMs: drainMs });
}

/** Waits for a message as long as the start may take; says what was missing when it was not. */
async function expectInTime<T extends SaidType>(
  ctx: Context,
  conversation: Conversation,
  deadline: Deadline,
  type: T,
): Promise<Said<T>> {
  try {
    return await deadline.run(`"${type}" of the program`, () => conversation.expect(type), {
      signal: ctx.signal,
      graceMs: 0,
    });
  } catch (error) {
    if (error === ctx.signal.reason) ctx.log.warn("gave up waiting for the program", { missing: type });
    else if (error instanceof Error && error.name === "DeadlineError") {
      throw new AttachedPluginError(`it did not say "${type}" within ${Math.round(deadline.ms)} ms`);
    }
    throw error;
  }
}

/** Settings as the program's own schema has them, with its defaults. */
async function checkedSettings(
  ctx: Context,
  { config: schema }: Said<"hello">,
  conversation: Conversation,
): Promise<Readonly<Record<string, unknown>>> {
  if (schema === undefined) return ctx.config;
  let readable: z.ZodType;
  try {
    readable = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    return await conversation.refuse(`the schema of its settings cannot be read: ${messageOf(error)}`);
  }
  const at = ["plugins", ctx.plugin.id, "config"];
  const checked = checkValue(readable, ctx.config, { at, source: () => undefined, shape: schema as JsonSchema });
  if ("value" in checked) return checked.value as Readonly<Record<string, unknown>>;
  const problems = checked.problems.map(({ path, message }) => `${path}: ${message}`);
  return await conversation.refuse(`its settings are wrong: ${problems.join("; ")}`);
}

/** Ends the conversation when a ping is not answered before the next one is due, or the program cannot be asked. */
async function ping(
  { clock }: Context,
  conversation: Conversation,
  socket: LostSocket | undefined,
  signal: AbortSignal,
): Promise<void> {
  let answered = 0;
  conversation.on("pong", ({ id }) => answered = id);
  for (let id = 1; !signal.aborted; id++) {
    await conversation.send("ping", { id });
    try {
      await clock.sleep(PING_MS, signal);
    } catch {
      return; // The plugin stops.
    }
    if (answered < id) {
      conversation.fail(new AttachedPluginError(`it did not answer a ping within ${PING_MS} ms`));
      return;
    }
    await socket?.look();
  }
}
