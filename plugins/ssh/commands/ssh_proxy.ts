/**
 * `outpost ssh-proxy`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import type { ByteStream } from "../../../core/rpc/byte_stream.ts";
import { agentWay, WAY_FLAGS } from "./agent_way.ts";

const ABOUT = `This command speaks SSH on standard input and output and is started by ssh, not by hand:
  ssh -o ProxyCommand='outpost ssh-proxy' workspace
Or let it be written into the configuration of ssh: outpost ssh-config
`;

/** Carries bytes both ways until either side ends. */
export async function sshProxy(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "ssh-proxy", flags: WAY_FLAGS, words: [0, 0] });
  const { input } = ctx;
  if (input === null) {
    await ctx.err(ABOUT);
    return EXIT.usage;
  }
  const stream = await (await agentWay(ctx, flags)).dial();
  const hangUp = () => stream.close();
  ctx.signal.addEventListener("abort", hangUp, { once: true });
  try {
    await Promise.race([send(input, stream), receive(stream, ctx)]);
  } catch (error) {
    // Ended by a signal: ssh sends one when it is done.
    if (!ctx.signal.aborted) throw error;
  } finally {
    ctx.signal.removeEventListener("abort", hangUp);
    hangUp();
    if (!ctx.signal.aborted) await stream.released;
  }
  return EXIT.done;
}

async function send(input: ReadableStream<Uint8Array>, stream: ByteStream): Promise<void> {
  for await (const bytes of input) await stream.write(bytes);
}

async function receive(stream: ByteStream, ctx: CommandContext): Promise<void> {
  for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) await ctx.out(bytes);
}
