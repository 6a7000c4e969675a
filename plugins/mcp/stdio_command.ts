/**
 * `outpost mcp`: the running agent's tools on standard input and output.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { TextLineStream } from "@std/streams";

import type { CommandContext } from "../../core/plugin.ts";
import { StdioRelay } from "./stdio_relay.ts";

/** Exit codes, as the other commands have them. */
const DONE = 0;
const USAGE = 2;

const ABOUT = `This command speaks the Model Context Protocol and is started by a client, not by hand. With Claude Code:
  claude mcp add outpost -- outpost mcp
Other clients take the command "outpost" with the argument "mcp". The agent has to run: outpost start
`;

/** Serves until standard input ends and every request has its answer, or a signal comes. */
export async function serveStdio(ctx: CommandContext): Promise<number> {
  const strays: string[] = [];
  const { unix, "app-status-slug": slug } = parseArgs([...ctx.args], {
    string: ["unix", "app-status-slug"],
    unknown: (argument) => {
      strays.push(argument);
      return false;
    },
  });
  const [stray] = strays;
  if (stray !== undefined) {
    await ctx.err(
      `outpost mcp takes no ${JSON.stringify(stray)}: usage is outpost mcp [--unix PATH] [--app-status-slug SLUG]\n`,
    );
    return USAGE;
  }
  if (ctx.input === null) {
    await ctx.err(ABOUT);
    return USAGE;
  }
  const agent = await ctx.agent({ unix: textOf(unix) });
  const relay = new StdioRelay({
    agent,
    appSlug: textOf(slug) ?? textOf(ctx.env.CODER_MCP_APP_STATUS_SLUG),
    write: (line) => ctx.out(line),
    warn: (text) => void ctx.err(`${text}\n`),
  });
  const ended = new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([ended, relayAll(ctx.input, relay)]);
  await relay.close();
  return DONE;
}

function textOf(flag: unknown): string | undefined {
  return typeof flag === "string" && flag !== "" ? flag : undefined;
}

async function relayAll(input: ReadableStream<Uint8Array<ArrayBuffer>>, relay: StdioRelay): Promise<void> {
  const lines = input.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) await relay.take(line);
  await relay.idle();
}
