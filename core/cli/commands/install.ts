/**
 * `outpost install`.
 *
 * @module
 */
import { join, resolve } from "@std/path";

import { replaceFile } from "../../replace_file.ts";
import { systemdUnit, UNIT_MARK } from "../../service/systemd_unit.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";
import { selfCommand } from "../self_command.ts";

/** Units are read by everybody. */
const UNIT_MODE = 0o644;
const DEFAULT_NAME = "outpost";
/** What systemd takes as the name of a unit, without what templates add. */
const UNIT_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Writes a unit, removes it, or prints what a container needs. */
export async function install(ctx: CoreCommandContext): Promise<number> {
  const { flags } = ctx;
  if (flags.has("systemd") === flags.has("container")) {
    throw new UsageError('Say one of "--systemd" and "--container" after "install"');
  }
  if (flags.has("container")) await ctx.out(containerLines(ctx));
  else if (flags.has("remove")) await removeUnit(ctx);
  else await writeUnit(ctx);
  return EXIT.done;
}

async function writeUnit(ctx: CoreCommandContext): Promise<void> {
  const { flags, program, out } = ctx;
  const { name, path, isSystem, systemctl } = placeOf(ctx);
  const socket = isSystem ? ["--unix", `/run/${name}/agent.sock`] : [];
  const text = systemdUnit({
    description: `${program.build.name} workspace agent`,
    command: [...startCommand(ctx), ...socket],
    reloadCommand: [...selfCommand(), "reload", ...socket],
    scope: isSystem ? "system" : "user",
    ...(flags.text("run-as") !== undefined && { user: flags.text("run-as") }),
    ...(isSystem && { runtimeDirectory: name }),
  });
  if (flags.has("dry-run")) return await out(text);
  await assertOwn(path);
  await replaceFile(path, text, { newFileMode: UNIT_MODE, directoryMode: 0o755 });
  const status = [program.invocation, "status", ...socket].join(" ");
  await out(
    `Wrote ${path}\nStart it:  ${systemctl} daemon-reload && ${systemctl} enable --now ${name}\nLook:      ${status}\n`,
  );
  if (!Deno.build.standalone) {
    await out(
      "It runs from its source: this checkout and its Deno have to stay where they are. A binary has no such needs.\n",
    );
  }
  if (!isSystem) await out("It ends with your last session, unless you run: loginctl enable-linger\n");
}

async function removeUnit(ctx: CoreCommandContext): Promise<void> {
  const { name, path, systemctl } = placeOf(ctx);
  if (await assertOwn(path)) await Deno.remove(path);
  else return await ctx.out(`There is no ${path}\n`);
  await ctx.out(`Removed ${path}\nStop it:   ${systemctl} disable --now ${name}; ${systemctl} daemon-reload\n`);
}

interface UnitPlace {
  readonly name: string;
  readonly path: string;
  readonly isSystem: boolean;
  /** The command that manages it. */
  readonly systemctl: string;
}

function placeOf({ flags, env }: CoreCommandContext): UnitPlace {
  const isSystem = flags.has("system");
  if (!isSystem && flags.text("run-as") !== undefined) {
    throw new UsageError('The flag "--run-as" needs "--system": units of a user run as this user');
  }
  const name = flags.text("name") ?? DEFAULT_NAME;
  if (!UNIT_NAME.test(name)) {
    throw new UsageError(`The flag "--name" takes letters, digits, ".", "_" and "-", got "${name}"`);
  }
  if (isSystem) return { name, path: `/etc/systemd/system/${name}.service`, isSystem, systemctl: "systemctl" };
  const base = env.XDG_CONFIG_HOME || (env.HOME && join(env.HOME, ".config"));
  if (!base) throw new Error("Cannot find the place of your units: the variable HOME is not set");
  return { name, path: join(base, `systemd/user/${name}.service`), isSystem, systemctl: "systemctl --user" };
}

/** Whether the file is there. @throws {Error} If somebody else has written it. */
async function assertOwn(path: string): Promise<boolean> {
  try {
    if ((await Deno.readTextFile(path)).startsWith(UNIT_MARK)) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  throw new Error(
    `Cannot change ${path}: it was not written by "outpost install". Move it away, or choose another --name`,
  );
}

function startCommand({ flags, cwd }: CoreCommandContext): readonly string[] {
  const config = flags.text("config");
  return [...selfCommand(), "start", ...config === undefined ? [] : ["--config", resolve(cwd, config)]];
}

function containerLines(ctx: CoreCommandContext): string {
  return [
    "# As process 1 the agent reaps orphans and passes signals on; no other init is needed.",
    `ENTRYPOINT ${JSON.stringify(startCommand(ctx))}`,
    "STOPSIGNAL SIGTERM",
    `HEALTHCHECK CMD ${JSON.stringify([...selfCommand(), "status"])}`,
    "",
  ].join("\n");
}
