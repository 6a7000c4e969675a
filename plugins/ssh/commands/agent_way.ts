/**
 * How a command reaches the agent: over the Unix socket of this workspace, or through the control plane.
 *
 * @module
 */
import { resolve } from "@std/path";

import { systemClock } from "../../../core/clock.ts";
import { type FlagSpec, type ParsedFlags, UsageError } from "../../../core/cli/flags.ts";
import { messageOf } from "../../../core/errors.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import type { ByteStream } from "../../../core/rpc/byte_stream.ts";
import { dialWebSocket } from "../../../core/rpc/web_socket_dial.ts";

/** Flags that say which way. */
export const WAY_FLAGS: readonly FlagSpec[] = [
  { name: "unix", value: "PATH", summary: "Socket of an agent on this machine. Default: the agent of this workspace." },
  { name: "control-plane", value: "URL", summary: "Address of the control plane that the agent is connected to." },
  { name: "agent", value: "NAME", summary: "Name or id of the agent at the control plane." },
  {
    name: "token-file",
    value: "FILE",
    summary: "File with the control plane's admin token. Default: OUTPOST_CONTROL_PLANE_TOKEN.",
  },
];

const TOKEN_VARIABLE = "OUTPOST_CONTROL_PLANE_TOKEN";
/** Where the agent serves SSH. */
const SSH_PATH = "/api/v0/ssh";
const HOST_KEY_PATH = `${SSH_PATH}/host-key`;

/** A way to one agent. */
export interface AgentWay {
  /** A name for the agent, for people. */
  readonly name: string;
  /** Flags that lead a later `ssh-proxy` the same way. */
  readonly flags: readonly string[];
  /** Opens an SSH connection. @throws {Error} When there is none, with what the other side said. */
  dial(): Promise<ByteStream>;
  /** The host key that such a connection meets. @throws {Error} When the agent does not tell. */
  hostKey(): Promise<string>;
}

/** @throws {UsageError} When the flags do not say one way. @throws {AgentNotFoundError} When no agent answers here. */
export async function agentWay(ctx: CommandContext, flags: ParsedFlags): Promise<AgentWay> {
  const [url, agent, unix] = [flags.text("control-plane"), flags.text("agent"), flags.text("unix")];
  if (url === undefined) {
    if (agent !== undefined || flags.text("token-file") !== undefined) {
      throw new UsageError('The flags "--agent" and "--token-file" go with "--control-plane"');
    }
    return await localWay(ctx, unix);
  }
  if (unix !== undefined) throw new UsageError('The flags "--unix" and "--control-plane" exclude each other');
  if (agent === undefined) throw new UsageError('The flag "--control-plane" needs "--agent NAME"');
  return await remoteWay(ctx, { base: baseOf(url), agent, tokenFile: flags.text("token-file") });
}

async function localWay(ctx: CommandContext, unix: string | undefined): Promise<AgentWay> {
  const agent = await ctx.agent({ unix });
  return {
    name: "outpost",
    flags: ["--unix", agent.socketPath],
    dial: () => dial(ctx, new URL(`http://localhost${SSH_PATH}`), { unix: agent.socketPath }),
    hostKey: () => askHostKey((signal) => agent.fetch(HOST_KEY_PATH, { signal }), ctx.signal),
  };
}

async function remoteWay(
  ctx: CommandContext,
  { base, agent, tokenFile }: { readonly base: URL; readonly agent: string; readonly tokenFile: string | undefined },
): Promise<AgentWay> {
  const path = tokenFile === undefined ? undefined : resolve(ctx.cwd, tokenFile);
  const headers = { authorization: `Bearer ${await readToken(ctx, path)}` };
  const at = new URL(`api/agents/${encodeURIComponent(agent)}/`, base);
  return {
    name: agent,
    flags: [
      ...["--control-plane", base.href.replace(/\/$/, ""), "--agent", agent],
      ...(path === undefined ? [] : ["--token-file", path]),
    ],
    dial: () => dial(ctx, new URL("ssh", at), { headers }),
    hostKey: () => askHostKey((signal) => fetch(new URL(`proxy${HOST_KEY_PATH}`, at), { headers, signal }), ctx.signal),
  };
}

function baseOf(text: string): URL {
  const url = URL.parse(text.endsWith("/") ? text : `${text}/`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new UsageError(`The flag "--control-plane" is an http: or https: address, got "${text}"`);
}

async function readToken({ env }: CommandContext, path: string | undefined): Promise<string> {
  if (path === undefined) {
    const token = env[TOKEN_VARIABLE];
    if (token) return token;
    throw new UsageError(`The control plane wants its admin token: --token-file FILE, or ${TOKEN_VARIABLE}`);
  }
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new Error(`Cannot read the token from "${path}": ${messageOf(error)}`, { cause: error });
  }
}

function dial(
  { signal }: CommandContext,
  url: URL,
  more: { readonly unix?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<ByteStream> {
  return dialWebSocket({ url, headers: {}, clock: systemClock, signal, ...more });
}

async function askHostKey(ask: (signal: AbortSignal) => Promise<Response>, signal: AbortSignal): Promise<string> {
  const response = await ask(signal);
  const body = await response.json().catch(() => ({})) as Readonly<Record<string, unknown>>;
  if (response.ok && typeof body.host_key === "string") return body.host_key;
  const said = [body.message, body.detail].filter((part) => typeof part === "string" && part !== "").join(": ");
  throw new Error(`Cannot ask the agent for its host key: it answers ${response.status}${said && ` (${said})`}`);
}
