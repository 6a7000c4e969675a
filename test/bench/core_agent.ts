/**
 * The agent without any plugin, for measuring what the core alone costs.
 *
 * @module
 */
import { main } from "../../core/cli/main.ts";

await main({ plugins: [] });
