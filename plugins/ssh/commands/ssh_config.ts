/**
 * `outpost ssh-config`.
 *
 * @module
 */
import { dirname, join, resolve } from "@std/path";

import { EXIT } from "../../../core/cli/exit_codes.ts";
import { type FlagSpec, parseFlags, UsageError } from "../../../core/cli/flags.ts";
import { invocationFacts } from "../../../core/cli/invocation.ts";
import { messageOf } from "../../../core/errors.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { replaceFile } from "../../../core/replace_file.ts";
import { agentWay, WAY_FLAGS } from "./agent_way.ts";
import { type BlockChange, changeBlock } from "./marked_block.ts";
import { programWords, proxyCommand } from "./proxy_command.ts";

const FLAGS: readonly FlagSpec[] = [
  {
    name: "host",
    value: "NAME",
    summary: 'Name to give to ssh. Default: the agent\'s at the control plane, or "outpost".',
  },
  { name: "file", value: "PATH", summary: "The configuration to change. Default: ~/.ssh/config." },
  { name: "dry-run", summary: "Show what would change, and change nothing." },
  { name: "remove", summary: "Take the agent out again." },
  ...WAY_FLAGS,
];

/** What `Host` takes as one name, and not as a pattern. */
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Holds the keys of our hosts alone, beside the configuration. */
const KNOWN_HOSTS = "outpost_known_hosts";

/** A file and what is to become of it. */
interface FileChange {
  readonly path: string;
  readonly change: BlockChange;
}

/** Writes the client's block and the host key it is to meet. A second time nothing changes. */
export async function sshConfig(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "ssh-config", flags: FLAGS, words: [0, 0] });
  const file = configFile(ctx, flags.text("file"));
  const isRemoval = flags.has("remove");
  // What is taken out needs no agent to ask.
  const way = isRemoval ? undefined : await agentWay(ctx, flags);
  const host = flags.text("host") ?? way?.name ?? flags.text("agent") ?? "outpost";
  if (!HOST_NAME.test(host)) throw new UsageError(`The flag "--host" is letters, digits, ".", "-", "_", got "${host}"`);
  const knownHosts = join(dirname(file), KNOWN_HOSTS);
  const [block, keys] = way === undefined ? [[], []] : [
    hostBlock(host, { words: [...programWords(invocationFacts(ctx.cwd)), "ssh-proxy", ...way.flags], knownHosts }),
    [`${aliasOf(host)} ${await way.hostKey()}`],
  ];
  const changes = [await planned(knownHosts, host, keys), await planned(file, host, block)]
    .filter(({ change }) => change.removed.length + change.added.length > 0);
  if (changes.length === 0) {
    await ctx.out(`Nothing to change in ${file}\n`);
    return EXIT.done;
  }
  for (const { path, change } of changes) {
    if (flags.has("dry-run")) await ctx.out(preview(path, change));
    else await replaceFile(path, change.text);
  }
  if (flags.has("dry-run")) return EXIT.done;
  await ctx.out(isRemoval ? `Removed "${host}" from ${file}\n` : `Wrote "${host}" to ${file}; try: ssh ${host}\n`);
  return EXIT.done;
}

/** The lines that lead `ssh HOST` to the agent, and to the one key it is known by. */
export function hostBlock(
  host: string,
  { words, knownHosts }: { readonly words: readonly string[]; readonly knownHosts: string },
): readonly string[] {
  return [
    `Host ${host}`,
    `  ProxyCommand ${proxyCommand(words)}`,
    `  HostKeyAlias ${aliasOf(host)}`,
    `  UserKnownHostsFile "${knownHosts}"`,
    "  GlobalKnownHostsFile none",
    "  StrictHostKeyChecking yes",
  ];
}

function aliasOf(host: string): string {
  return `outpost-${host}`;
}

function configFile({ env, cwd }: CommandContext, named: string | undefined): string {
  if (named !== undefined) return resolve(cwd, named);
  if (env.HOME?.startsWith("/")) return join(env.HOME, ".ssh", "config");
  throw new UsageError('HOME does not say where the configuration is: name it with "--file PATH"');
}

async function planned(path: string, name: string, lines: readonly string[]): Promise<FileChange> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  try {
    return { path, change: changeBlock({ text, name }, lines) };
  } catch (error) {
    throw new Error(`Cannot change "${path}": ${messageOf(error)}`, { cause: error });
  }
}

function preview(path: string, { removed, added }: BlockChange): string {
  return [path, ...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`), ""].join("\n");
}
