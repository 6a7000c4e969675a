/**
 * `outpost watch-tests`: the agent of a binary that has this plugin, started for one command and without a configuration.
 *
 * @module
 */
import type { StartGiven, StartSettings, StartSpec } from "@outpost/agent";

/** `outpost watch-tests --run "npm test"`. */
export const watchTests: StartSpec = {
  name: "watch-tests",
  summary: "Start the agent to run a command whenever files of this directory change.",
  flags: [
    { name: "run", value: "COMMAND", summary: "A line for the shell (default: npm test)." },
    { name: "ignore", value: "NAME", isList: true, summary: "Name of files whose changes do not count." },
  ],
  load: () => Promise.resolve(settingsOf),
};

function settingsOf({ flag, cwd }: StartGiven): StartSettings {
  const config = {
    directory: cwd,
    command: flag("run").at(-1) ?? "npm test",
    ...(flag("ignore").length === 0 ? {} : { ignore: flag("ignore") }),
  };
  return {
    defaults: { plugins: { "test-watcher": { enabled: true, config } } },
    overrides: [],
    notes: [{ level: "info", message: "watching files", fields: { directory: cwd } }],
  };
}
