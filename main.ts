/**
 * The stock agent: the command line with every standard plugin. `main` alone is what other binaries import.
 *
 * @module
 */
import { main } from "./core/cli/main.ts";

export { main, type MainOptions } from "./core/cli/main.ts";

if (import.meta.main) {
  const { standardPlugins } = await import("./plugins/standard.ts");
  await main({ plugins: standardPlugins });
}
