/**
 * SIGTERM, and a second one, in each state of the agent's life while its plugins are busy: it ends in time, says what did not
 * finish, and leaves nothing behind.
 *
 * @module
 */
import { join } from "@std/path";

import { BUSY, type Busy } from "./busy_plugins.ts";
import { checkEnding, withBusy } from "./busy_agent.ts";
import type { Step } from "./held_plugin.ts";
import { exists, type MarkedAgent, until } from "./marked_agent.ts";

const HELD = new URL("./held_plugin.ts", import.meta.url).pathname;

/** Where a signal finds the agent. */
interface Moment {
  /** The state of a plugin that does not get on, or of the agent. */
  readonly state: string;
  /** Where that plugin is held. */
  readonly at: Step;
  /** Who can be busy then. */
  readonly busy: readonly Busy[];
  /** Comes with the first signal, and not before. */
  readonly isOnTheWayDown?: true;
  /** How the agent is told from one that listens and has said so. */
  readonly listening?: (unix: string, marker: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Whether the first signal has had its effect. */
  readonly isStopping?: (world: MarkedAgent, marker: string) => Promise<boolean>;
  readonly unfinished: readonly string[];
  readonly errors: readonly string[];
}

/** Those that are quickly made busy, and go together. */
const SEVERAL = BUSY.filter(({ plugin, by }) =>
  !["desktop", "x11", "controlplane"].includes(plugin) && !/stop script|timetable|app that/.test(by)
);
const ERRORS_OF_SEVERAL = SEVERAL.flatMap(({ errors }) => errors ?? []);

const MOMENTS: readonly Moment[] = [
  {
    ...{ state: "being set up", at: "setup", busy: [] },
    listening: untilHeld,
    isStopping: (_, marker) => exists(`${marker}.stop`),
    ...{ unfinished: ["held: setup"], errors: [] },
  },
  {
    ...{ state: "starting", at: "start", busy: BUSY.filter(({ plugin }) => plugin === "boundarylogs") },
    listening: untilHeld,
    isStopping: (_, marker) => exists(`${marker}.stop`),
    ...{ unfinished: ["held: start"], errors: [] },
  },
  {
    ...{ state: "waiting for its next start", at: "retry", busy: SEVERAL },
    ...{ unfinished: [], errors: ["held: start"] },
  },
  {
    ...{ state: "running and not ready", at: "ready", busy: SEVERAL },
    listening: async (unix, marker) => await untilHeld(unix, marker) && await addressesOf(unix),
    ...{ unfinished: ["held: ready"], errors: [] },
  },
  {
    ...{ state: "running with a task that does not end", at: "task", busy: SEVERAL },
    ...{ unfinished: ["held: stop", "held: task"], errors: ["held: stop"] },
  },
  {
    ...{ state: "degraded", at: "degraded", busy: SEVERAL },
    ...{ unfinished: [], errors: [] },
  },
  {
    ...{ state: "draining", at: "drain", busy: SEVERAL, isOnTheWayDown: true },
    ...{ unfinished: ["held: drain"], errors: ["held: drain"] },
  },
  {
    ...{ state: "stopping, with a hook that hangs", at: "shutdown", busy: SEVERAL, isOnTheWayDown: true },
    ...{ unfinished: ["held: stop"], errors: ["held: stop"] },
  },
  {
    ...{ state: "stopping, with something it does not let go", at: "defer", busy: SEVERAL, isOnTheWayDown: true },
    ...{ unfinished: ["held: stop"], errors: ["held: stop"] },
  },
];

for (const moment of MOMENTS) {
  Deno.test(`outpost start ends in time and leaves nothing on SIGTERM while a plugin is ${moment.state}`, () =>
    withHeld(moment, async (world) => {
      const ending = world.end();
      world.agent.signal("SIGTERM");

      const errors = [...moment.errors, ...moment.busy === SEVERAL ? ERRORS_OF_SEVERAL : []];
      checkEnding(await ending, { code: 0, unfinished: moment.unfinished, errors });
    }));

  Deno.test(`outpost start ends at once with 143 on a second SIGTERM while a plugin is ${moment.state}`, () =>
    withHeld(moment, async (world, marker) => {
      world.agent.signal("SIGTERM");
      await until(async () => await (moment.isStopping ?? isDraining)(world, marker));
      if (moment.isOnTheWayDown) await until(() => exists(marker));
      const ending = world.end();
      world.agent.signal("SIGTERM");

      checkEnding(await ending, { code: 143 });
    }));
}

for (const [at, what] of [["drain", "ends"], ["setup", "begins"]] as const) {
  Deno.test(`outpost start ends in time and leaves nothing on SIGTERM while a plugin's life ${what} because of a reload`, () =>
    inDirectory(async (directory) => {
      const file = join(directory, "outpost.jsonc");
      const marker = join(directory, "held");
      const withIt = { plugins: { held: { from: HELD, config: { at, marker } } } };
      const [before, after] = at === "drain" ? [withIt, {}] : [{}, withIt];
      await Deno.writeTextFile(file, JSON.stringify(before));
      await withBusy(SEVERAL, { args: ["--config", file] }, async (world) => {
        await Deno.writeTextFile(file, JSON.stringify(after));
        // Forced, as the plugin holds a process.
        world.agent.post("/api/v0/reload?force=true", {}).catch(() => {}); // Cut by the end.
        await until(() => exists(marker));
        const ending = world.end();
        world.agent.signal("SIGTERM");

        // What a reload ended is told at once; what it began is part of the exit report.
        const [unfinished, errors] = at === "drain" ? [["held: drain"], ["held: drain"]] : [["held: setup"], []];
        checkEnding(await ending, { code: 0, unfinished, errors: [...ERRORS_OF_SEVERAL, ...errors] });
      });
    }));
}

async function withHeld(moment: Moment, test: (world: MarkedAgent, marker: string) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    const marker = join(directory, "held");
    const entry = {
      from: HELD,
      onFailure: moment.at === "retry" ? "retry" : "continue",
      config: { at: moment.at, marker },
    };
    const { listening } = moment;
    await withBusy(moment.busy, {
      settings: { "plugins.held": entry },
      ...(listening && { listening: (unix) => listening(unix, marker) }),
    }, async (world) => {
      if (!moment.isOnTheWayDown) await until(() => exists(marker));
      await test(world, marker);
    });
  });
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "outpost-held-" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function isDraining({ agent }: MarkedAgent): Promise<boolean> {
  const response = await agent.fetch("/readyz");
  await response.body?.cancel();
  return response.status === 503;
}

/** Nothing is said before the start is complete. */
async function untilHeld(unix: string, marker: string): Promise<Readonly<Record<string, unknown>>> {
  await until(() => exists(marker));
  return { unix };
}

async function addressesOf(unix: string): Promise<Readonly<Record<string, unknown>>> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: unix } });
  const { addresses } = await (await fetch("http://localhost/api/v0/status", { client })).json();
  return addresses;
}
