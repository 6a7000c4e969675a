/**
 * Which file may import which: imports point inward.
 *
 * One table for two readers: the lint rule `outpost/layers` sees a file while it is edited, `test/layers_test.ts` sees the
 * module graph as Deno resolves it.
 *
 * @module
 */
import { dirname, join, normalize } from "@std/path";

/** A forbidden pair: `from` matches the importing file, `to` the imported one; both are paths from the root. */
interface Ban {
  readonly from: RegExp;
  readonly to: RegExp;
  /** Pairs that match and are fine. */
  readonly except?: (from: string, to: string) => boolean;
  /** Why, and what to do instead. */
  readonly reason: string;
}

const BANS: readonly Ban[] = [
  {
    from: /^client\//,
    to: /^(?!client\/)/,
    except: (from, to) =>
      (from === "client/node.ts" && to.startsWith("node:")) ||
      // What the unit tests import never leaves this repository.
      (from.endsWith("_test.ts") && to.startsWith("core/std/")),
    reason: "the client runs where no agent does, browsers included: it imports nothing but its own files",
  },
  {
    from: /^core\//,
    to: /^plugins\//,
    reason:
      "core/ knows no feature: let the plugin register itself through its context, or move the shared part into core/",
  },
  {
    from: /^plugins\/[^/]+\//,
    to: /^plugins\//,
    except: (from, to) => pluginOf(from) === pluginOf(to) || /^plugins\/[^/]+\/service\.ts$/.test(to),
    reason:
      "a plugin meets another one through its service.ts, so that either can be left out: name a service in `needs`",
  },
  {
    from: /^plugins\/[^/]+\/service\.ts$/,
    to: /^plugins\//,
    except: (_from, to) => /^plugins\/[^/]+\/service\.ts$/.test(to),
    reason:
      "service.ts holds interfaces and tokens only, because other plugins load it: move the type it needs into service.ts",
  },
  {
    from: /^(?:core|plugins)\/(?!.*_test\.ts$)/,
    to: /^(?:test|examples|tools)\/|^main\.ts$/,
    reason: "the agent does not depend on its own tests, examples, tools or entry file",
  },
  {
    from: /^/,
    to: /(?:^|\/)_[^/]*\.ts$/,
    except: (from, to) => dirname(from) === dirname(to),
    reason: "a file whose name starts with an underscore is private to its folder: import what the folder offers",
  },
];

/**
 * Says why `from` must not import `to`; `undefined` when it may.
 *
 * @param from Path of the importing file from the repository's root, with `/`.
 * @param to Path of the imported file, the same way. Packages have no layer and are never asked about.
 */
export function layerProblem(from: string, to: string): string | undefined {
  return BANS.find((ban) => ban.from.test(from) && ban.to.test(to) && !ban.except?.(from, to))?.reason;
}

/** Resolves a relative specifier to a path from the root; `undefined` for packages. */
export function importedPath(from: string, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  return normalize(join(dirname(from), specifier));
}

function pluginOf(path: string): string | undefined {
  return /^plugins\/([^/]+)\//.exec(path)?.[1];
}
