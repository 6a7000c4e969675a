/**
 * `ctx.env` of a plugin in a program of its own: the agent outside builds, the plugin contributes.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { MARK_VARIABLE } from "../exec/process_scan.ts";
import type { OwnedEnv } from "../environment.ts";
import type { Awaitable, Variables } from "../plugin.ts";
import type { LineChannel } from "./line_channel.ts";
import type { WireMessage } from "./protocol.ts";

type Contributor = (base: Variables, own: Variables) => Awaitable<Variables>;

/** Stands in for the agent's `Environment`. */
export class RemoteEnvironment {
  /** Told by the agent. */
  scriptBinDirectory = "";
  readonly #channel: LineChannel;
  readonly #contributors = new Map<string, Contributor[]>();
  readonly #building = new Map<number, PromiseWithResolvers<Record<string, string>>>();
  #builds = 0;

  constructor(channel: LineChannel) {
    this.#channel = channel;
  }

  /** The environment as the plugin sees it. */
  scope(): OwnedEnv {
    return {
      scriptBinDirectory: this.scriptBinDirectory,
      contribute: (name, fn) => {
        const others = this.#contributors.get(name);
        this.#contributors.set(name, [...others ?? [], fn]);
        if (others === undefined) void this.#channel.send({ type: "env.contribute", name });
      },
      build: async (layers) => {
        const id = this.#builds++;
        const built = Promise.withResolvers<Record<string, string>>();
        this.#building.set(id, built);
        void this.#channel.send({ type: "env.build", id, layers });
        try {
          return withMark(await built.promise);
        } finally {
          this.#building.delete(id);
        }
      },
      [Symbol.dispose]: () => this.#contributors.clear(),
    };
  }

  /** Takes the agent's questions and answers. Never rejects. */
  async hear(message: WireMessage): Promise<void> {
    const id = Number(message.id);
    if (message.type === "env.built") {
      if (message.error === undefined) this.#building.get(id)?.resolve(message.variables as Record<string, string>);
      else this.#building.get(id)?.reject(new Error(`Cannot build the environment: ${String(message.error)}`));
    } else if (message.type === "env.ask") {
      try {
        const variables = await this.#contributed(String(message.name), message.base as Variables);
        await this.#channel.send({ type: "env.variables", id, variables });
      } catch (error) {
        await this.#channel.send({ type: "env.variables", id, error: messageOf(error) });
      }
    }
  }

  async #contributed(name: string, base: Variables): Promise<Variables> {
    let all: Variables = {};
    for (const contributor of this.#contributors.get(name) ?? []) {
      // The agent's own variables are told as part of what the layers below made, and not apart.
      all = { ...all, ...await contributor({ ...base, ...all }, base) };
    }
    return all;
  }
}

/** So that the agent outside finds what this program started, and can end it. */
function withMark(variables: Record<string, string>): Record<string, string> {
  const mark = Deno.env.get(MARK_VARIABLE);
  return mark === undefined ? variables : { ...variables, [MARK_VARIABLE]: mark };
}
