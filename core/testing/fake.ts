/**
 * Fakes of services, for tests of plugins that need them.
 *
 * @module
 */
import type { ServiceToken } from "../plugin.ts";
import type { ProvidedService } from "../services.ts";

/**
 * A stand-in for a service that has just the members a test gives. Using another one throws an error that names it, so that a
 * test fails at the missing piece and not somewhere behind it.
 *
 * @example
 * services: [fake(PathActivity, { touched: (chats, paths) => seen.push(paths) })]
 */
export function fake<Shape extends object>(token: ServiceToken<Shape>, members: Partial<Shape>): ProvidedService {
  const service = new Proxy(members, {
    get(target, name, receiver) {
      if (name in target) return Reflect.get(target, name, receiver);
      // Awaiting a fake, or printing it, asks for these; neither uses the service.
      if (typeof name === "symbol" || name === "then" || name === "toJSON") return undefined;
      throw new TypeError(`The fake of "${token.id}" has no member "${name}": give it to fake()`);
    },
  });
  return { token, service };
}
