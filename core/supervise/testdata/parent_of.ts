/**
 * The parent of any program: `parent_of.ts [--restart] PATH NAME [WORD…]`. Its log goes to standard error as JSON.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { createLogger, jsonLine, textSink } from "../../log.ts";
import { Leftovers } from "../leftovers.ts";
import { openLibc } from "../libc.ts";
import { supervise } from "../supervise.ts";

const restart = Deno.args[0] === "--restart";
const [path = "", ...argv] = restart ? Deno.args.slice(1) : Deno.args;
const isInit = Deno.pid === 1;
const log = createLogger({ category: ["reaper"], sink: textSink(jsonLine, Deno.stderr), clock: systemClock });
const leftovers = new Leftovers(!isInit);
Deno.exit(await supervise({ isInit, restart, libc: openLibc(), log, leftovers, command: { path, argv } }));
