/**
 * What plugins hand to each other, by token id.
 *
 * @module
 */
import { type AnyDefinition, tokenOf } from "./definition.ts";
import type { AnyToken, Needs, Resolved, ServiceToken } from "./plugin.ts";

/** A service that comes from outside the plugins: a fake of a test, or the program that embeds the agent. */
export interface ProvidedService {
  readonly token: AnyToken;
  readonly service: unknown;
}

/** The services that can be had right now. */
export class ServiceDirectory {
  readonly #services = new Map<string, { readonly owner: string | undefined; readonly service: unknown }>();

  constructor(external: readonly ProvidedService[] = []) {
    for (const { token, service } of external) this.#services.set(token.id, { owner: undefined, service });
  }

  /** Ids of services that no plugin has to provide. */
  get externalIds(): ReadonlySet<string> {
    return new Set([...this.#services].filter(([, { owner }]) => owner === undefined).map(([id]) => id));
  }

  /** @throws {TypeError} If the definition does not list the token, or it was provided before. */
  provide<S>(definition: AnyDefinition, token: ServiceToken<S>, service: S): void {
    if (!definition.provides?.some((listed) => listed.id === token.id)) {
      throw new TypeError(`Cannot provide "${token.id}": the definition of "${definition.id}" does not list it`);
    }
    const present = this.#services.get(token.id);
    if (present?.owner === definition.id) throw new TypeError(`Cannot provide "${token.id}" twice`);
    if (present !== undefined) return; // A service from outside stands in for the plugin's own.
    this.#services.set(token.id, { owner: definition.id, service });
  }

  /** Tokens the definition lists and has not provided. */
  missing(definition: AnyDefinition): readonly string[] {
    return (definition.provides ?? []).map((token) => token.id).filter((id) => !this.#services.has(id));
  }

  /** Takes back everything a plugin provided. */
  withdraw(plugin: string): void {
    for (const [id, { owner }] of this.#services) if (owner === plugin) this.#services.delete(id);
  }

  /** The needs of a definition, resolved; optional ones are `undefined` when nothing provides them. */
  resolve(needs: Needs = {}): Resolved<Needs> {
    const entries = Object.entries(needs).map(([name, need]) => [name, this.get(tokenOf(need))]);
    return Object.freeze(Object.fromEntries(entries));
  }

  /** One service, or `undefined`. */
  get<S>(token: ServiceToken<S>): S | undefined {
    return this.#services.get(token.id)?.service as S | undefined;
  }
}
