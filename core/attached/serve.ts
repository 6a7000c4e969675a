/**
 * The other side of the attached road: runs a definition as a program of its own, under an agent that started it.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { jsonSchemaOf } from "../config/schema_shape.ts";
import { readDefinition, tokenOf } from "../definition.ts";
import { messageOf } from "../errors.ts";
import type { Plugin } from "../plugin.ts";
import { ChildLife, type Configuration } from "./child_life.ts";
import { LineChannel } from "./line_channel.ts";
import {
  DESCRIBE_ARGUMENT,
  type PluginDescription,
  PROTOCOLS,
  SOCKET_VARIABLE,
  TOKEN_VARIABLE,
  type WireMessage,
} from "./protocol.ts";

/** Exit codes: ended as asked, failed, started by hand. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs `plugin` for the agent that started this program, until the agent says stop, and exits the process. The last line of a
 * file that can be imported as well as attached:
 *
 * ```ts
 * if (import.meta.main) await serveAttached(plugin);
 * ```
 *
 * Started by hand it says in one sentence what it is for, and exits with 2. Services do not reach it: a definition with a
 * required need is refused by the agent, an optional one is absent. `ctx.socket.service`, streaming calls of `ctx.rpc`,
 * commands and checks are not there either.
 */
export async function serveAttached(plugin: Plugin): Promise<never> {
  if (Deno.args.includes(DESCRIBE_ARGUMENT)) {
    await print(Deno.stdout, JSON.stringify(describe(plugin)));
    Deno.exit(EXIT.done);
  }
  const socketPath = takeVariable(SOCKET_VARIABLE);
  const token = takeVariable(TOKEN_VARIABLE);
  if (socketPath === undefined || token === undefined) {
    await print(
      Deno.stderr,
      `This is the Outpost plugin "${plugin.id}"; an agent starts it when a configuration says ` +
        `"plugins": { "${plugin.id}": { "from": "FILE", "attached": true } }.`,
    );
    Deno.exit(EXIT.usage);
  }
  Deno.exit(await serve(plugin, socketPath, token));
}

async function serve(plugin: Plugin, socketPath: string, token: string): Promise<number> {
  const { definition, problems } = readDefinition(plugin);
  if (definition === undefined) {
    await print(Deno.stderr, `The plugin's definition is wrong: ${problems.join("; ")}`);
    return EXIT.failed;
  }
  let channel: LineChannel;
  try {
    channel = new LineChannel(await Deno.connect({ transport: "unix", path: socketPath }));
  } catch (error) {
    await print(Deno.stderr, `Cannot reach the agent: ${messageOf(error)}`);
    return EXIT.failed;
  }
  await channel.send({
    ...{ type: "hello", protocols: PROTOCOLS, token, id: definition.id, version: definition.version },
    ...{ api: definition.api, summary: definition.summary },
    ...(definition.config === undefined ? {} : { config: jsonSchemaOf(definition.config) }),
    needs: Object.values(definition.needs ?? {}).filter(({ kind }) => kind !== "optional").map((need) =>
      tokenOf(need).id
    ),
  });
  const life = new ChildLife(definition, channel, join(dirname(socketPath), "http.sock"));
  return await obey(life, channel);
}

/** Does what the agent says until it says stop or is gone. */
async function obey(life: ChildLife, channel: LineChannel): Promise<number> {
  try {
    for await (const message of channel.messages()) {
      if (message.type === "refuse") {
        await print(Deno.stderr, `The agent refuses this plugin: ${String(message.reason)}`);
        return EXIT.failed;
      }
      if (message.type === "stop") {
        await life.stop(String(message.reason));
        return EXIT.done;
      }
      tell(life, message);
    }
    await life.stop("the agent is gone");
  } catch (error) {
    await print(Deno.stderr, `The agent said something strange: ${messageOf(error)}`);
  }
  return EXIT.failed;
}

function tell(life: ChildLife, message: WireMessage): void {
  switch (message.type) {
    case "configure":
      return life.setUp(message as unknown as Configuration);
    case "start":
      return life.start();
    case "listening":
      return life.ready();
    case "stopping":
      return life.stopping(String(message.reason));
    case "drain":
      return life.drain(typeof message.deadlineMs === "number" ? message.deadlineMs : undefined);
    default:
      return life.hear(message);
  }
}

function describe(plugin: Plugin): PluginDescription {
  const { definition, problems } = readDefinition(plugin);
  if (definition === undefined) return { id: plugin.id, version: plugin.version, summary: "", problems };
  const { id, version, summary, mount, permissions } = definition;
  return { id, version, summary, mount, permissions, problems: [] };
}

/** Reads a variable and removes it: nobody this program starts has a use for it. */
function takeVariable(name: string): string | undefined {
  try {
    const value = Deno.env.get(name);
    if (value !== undefined) Deno.env.delete(name);
    return value || undefined;
  } catch {
    return undefined; // Started by hand, without the permission to read variables.
  }
}

async function print(target: { write(bytes: Uint8Array): Promise<number> }, line: string): Promise<void> {
  let rest = new TextEncoder().encode(`${line}\n`);
  while (rest.length > 0) rest = rest.subarray(await target.write(rest));
}
