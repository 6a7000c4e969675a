/**
 * Commands that start the agent in the words of another program.
 *
 * @module
 */
import type { StartSpec } from "../../plugin.ts";
import type { CoreCommand } from "../command.ts";
import { CORE_COMMANDS } from "./mod.ts";

/** The command that a plugin's {@linkcode StartSpec} describes. Its own flags win over those of `start` with the same name. */
export function startCommand(spec: StartSpec): CoreCommand {
  const names = new Set(spec.flags.map(({ name }) => name));
  const { flags: ofStart } = CORE_COMMANDS.find(({ name }) => name === "start")!;
  return {
    name: spec.name,
    summary: spec.summary,
    flags: [...spec.flags, ...ofStart.filter(({ name }) => !names.has(name))],
    details: spec.details,
    ownsSignals: true,
    load: async () => {
      const [{ start }, settingsOf] = await Promise.all([import("./start.ts"), spec.load()]);
      return (ctx) =>
        start(
          ctx,
          () =>
            settingsOf({
              flag: (name) => ctx.flags.list(name),
              env: ctx.env,
              cwd: ctx.cwd,
              plugins: new Set(ctx.program.plugins.map(({ id }) => id)),
            }),
        );
    },
  };
}
