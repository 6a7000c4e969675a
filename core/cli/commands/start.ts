/**
 * `outpost start`.
 *
 * @module
 */
import { dirname } from "@std/path";

import { type Agent, type AgentOptions, createAgent, type ExitReport } from "../../agent.ts";
import { systemClock } from "../../clock.ts";
import { ensurePrivateDirectory, pathFacts, runtimeDirectory } from "../../config/default_paths.ts";
import type { LoadedConfig } from "../../config/loaded_config.ts";
import { Secret } from "../../config/secret.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import type { StartSettings } from "../../plugin.ts";
import type { ServiceManager } from "../../service/service_manager.ts";
import type { CoreCommandContext } from "../command.ts";
import { type EndSignal, exitCodeOf } from "../end_signal.ts";
import { EXIT } from "../exit_codes.ts";
import { describeListening, listeningEvent } from "../listening_line.ts";
import { loadConfig } from "../load_config.ts";
import { isAnswered } from "../local_agent.ts";
import { lookUpParserStack } from "../parser_stack.ts";

/**
 * Starts the agent, says where it listens, and serves until a signal or a failure ends it.
 *
 * @param settingsOf What the words of another program mean, when it was started with them.
 */
export async function start(ctx: CoreCommandContext, settingsOf?: () => StartSettings): Promise<number> {
  try {
    const settings = settingsOf?.();
    const config = await readConfig(ctx, settings);
    await prepareSocket(ctx, config);
    return await serve(ctx, config, settings);
  } catch (error) {
    if (ctx.flags.text("log-format") !== "json") throw error;
    await ctx.err(`${JSON.stringify(failureEvent(error))}\n`);
    return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

/** One life after the other, until nobody asks for another one. */
async function serve(
  ctx: CoreCommandContext,
  first: LoadedConfig,
  settings: StartSettings | undefined,
): Promise<number> {
  using manager = await openServiceManager(ctx);
  const { plugins, build, commandLine } = ctx.program;
  const cut = Promise.withResolvers<number>();
  let asked: EndSignal | undefined;
  let agent: Agent;
  using _ = ctx.io.onSignal((signal) => {
    // Its outcome is read from `agent.finished`.
    agent.stopOnSignal(signal).catch(() => {});
    if (asked === undefined) {
      asked = signal;
      manager?.stopping();
      return;
    }
    agent.killGroups();
    cut.resolve(exitCodeOf(signal));
  });
  // Its outcome, good or bad, is a line of the agent's log: a signal has nobody to answer to.
  using _reload = ctx.io.onReload(() => void agent.reload().catch(() => {}));
  return await Promise.race([lives(), cut.promise]);

  async function lives(): Promise<number> {
    let carried: AgentOptions["carried"];
    let config = first;
    do {
      agent = createAgent({
        ...{ plugins, config, build, commandLine, carried, env: ctx.env, notes: settings?.notes },
        readConfig: () => readConfig(ctx, settings),
      });
      const renewal = await live(config);
      if (renewal === undefined) break;
      carried = renewal.carried;
      // The file may have changed, and been reloaded, since. One that is wrong now must not cost the workspace its agent.
      config = await readConfig(ctx, settings).catch(() => config);
    } while (asked === undefined);
    return EXIT.done;
  }

  async function live(config: LoadedConfig): Promise<ExitReport["renewal"]> {
    try {
      await agent.start();
    } catch (error) {
      // A signal, or a plugin that wants another life, may have come before the start was complete, and cut it short.
      const { renewal } = await agent.finished;
      if (asked === undefined && renewal === undefined) throw error;
      return renewal;
    }
    await lookUpParserStack();
    await announce(ctx, agent, config);
    manager?.ready(`${ctx.program.build.name} ${ctx.program.build.version} serves`);
    const report = await agent.finished;
    if (report.error !== undefined) throw report.error;
    return report.renewal;
  }
}

/** Few starts are watched over; the others do not load what speaks to the watcher. */
async function openServiceManager({ env, err }: CoreCommandContext): Promise<ServiceManager | undefined> {
  if (!env.NOTIFY_SOCKET) return undefined;
  const [{ serviceManager }, { openNotifySocket }] = await Promise.all([
    import("../../service/service_manager.ts"),
    import("../../service/notify_socket.ts"),
  ]);
  return serviceManager({ env, clock: systemClock, open: openNotifySocket, warn: (text) => void err(`${text}\n`) });
}

async function announce(ctx: CoreCommandContext, agent: Agent, config: LoadedConfig): Promise<void> {
  const facts = {
    program: ctx.program,
    addresses: agent.addresses,
    tokenFile: agent.tokenFile ?? (config.agent.token === undefined ? undefined : config.agent.tokenFile),
    plugins: agent.plugins(),
    env: ctx.env,
  };
  const isJson = config.agent.log.format === "json";
  await ctx.out(isJson ? `${JSON.stringify(listeningEvent(facts))}\n` : describeListening(facts));
}

/** What the command line and the file say now; the same at the start and at each reload. */
function readConfig(ctx: CoreCommandContext, settings: StartSettings | undefined): Promise<LoadedConfig> {
  return withStoredToken(loadConfig({ ...ctx, settings }));
}

/** A token file that somebody named and filled is the token, so that it stays the same from start to start. */
async function withStoredToken(config: LoadedConfig): Promise<LoadedConfig> {
  const { token, tokenFile } = config.agent;
  if (token !== undefined || tokenFile === undefined || config.origin("agent.tokenFile") === "default") return config;
  try {
    const stored = (await Deno.readTextFile(tokenFile)).trim();
    return stored === "" ? config : { ...config, agent: { ...config.agent, token: new Secret(stored) } };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return config;
    throw new Error(`Cannot read the token file "${tokenFile}": ${messageOf(error)}`, { cause: error });
  }
}

/** @throws {Error} If the socket's default directory is not private, or another agent listens. */
async function prepareSocket(ctx: CoreCommandContext, config: LoadedConfig): Promise<void> {
  const { unix } = config.agent.listen;
  if (unix === null) return;
  if (await isAnswered(unix)) {
    throw new Error(
      `Another agent listens on "${unix}". Stop it, or choose another socket: ${ctx.program.invocation} start --unix PATH`,
    );
  }
  const facts = pathFacts(ctx.env);
  if (dirname(unix) === runtimeDirectory(facts)) await ensurePrivateDirectory(dirname(unix), facts.uid);
}

function failureEvent(error: unknown): Readonly<Record<string, unknown>> {
  return {
    event: "failed",
    message: messageOf(error),
    ...(error instanceof ConfigError ? { problems: error.problems } : {}),
  };
}
