/**
 * The agent's parent as a program of its own: see `become_parent.ts`. What it imports stays small.
 *
 * @module
 */
import { beLightParent } from "./become_parent.ts";

Deno.exit(await beLightParent(Deno.args));
