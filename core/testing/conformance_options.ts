/**
 * What the suite that every plugin passes is told.
 *
 * @module
 */
import type { ProvidedService } from "../services.ts";

/** What `conformance` needs to know beside the plugin. */
export interface ConformanceOptions {
  /** Settings the plugin runs with. Default: its defaults. */
  readonly config?: unknown;
  /** A service for each required need, usually fakes. */
  readonly services?: readonly ProvidedService[];
  /** Services for optional needs; the plugin is run with and without them. */
  readonly optionalServices?: readonly ProvidedService[];
  /** Time the plugin runs in. Default `"virtual"`. */
  readonly time?: "virtual" | "real";
  /**
   * The plugin's own file, such as `import.meta.resolve("./plugin.ts")`, with the plugin as its default export and
   * `if (import.meta.main) await serveAttached(plugin)` as its last line: the suite then runs on the imported and on the
   * attached road, too. Those tests need `deno test -A`.
   */
  readonly file?: string;
}
