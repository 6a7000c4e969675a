/**
 * The stock agent: the command line with every standard plugin. `main` alone is what other binaries import.
 *
 * @module
 */
import { main } from "./core/cli/main.ts";

export { main, type MainOptions } from "./core/cli/main.ts";

if (import.meta.main) {
  await main({ plugins: async () => (await import("./plugins/standard.ts")).standardPlugins });
}
