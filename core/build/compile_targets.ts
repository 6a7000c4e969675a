/**
 * Binaries for several machines, all of them or none.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path";

import { messageOf } from "../errors.ts";
import { withRoomHint } from "../write_failure.ts";
import { BuildError } from "./build_error.ts";
import { binarySizes } from "./build_facts.ts";
import { type BuildSizes, sizesText } from "./build_report.ts";
import { type Compilation, compile, type CompileWork, type Road } from "./compile_roads.ts";
import { openStaging } from "./staging.ts";

/** What {@linkcode compileTargets} takes beside the program. */
export interface TargetWork extends Omit<CompileWork, "failed"> {
  /** Such as `x86_64-unknown-linux-gnu`. Empty: this machine alone. */
  readonly targets: readonly string[];
  /** Absolute path of the binary; with several targets, each one's has `-TARGET` behind it. */
  readonly output: string;
  /** In front of what is compiled, when that is told: such as `6/7 compile`. */
  readonly step: string;
  /** How a path is told. */
  readonly shown: (path: string) => string;
  /** Told about each step, as a line without its end. */
  readonly say: (line: string) => Promise<void>;
  /**
   * Looks at each binary before any is in place; what it throws ends the build. Returns the names of what it wrote beside the
   * binary, which is put in place with it.
   */
  readonly inspect: (binary: MadeBinary) => Promise<readonly string[]>;
}
/** A binary that is not in place yet. */
export interface MadeBinary {
  /** Absolute path, for now. */
  readonly path: string;
  /** Absent: this machine. */
  readonly target?: string;
  /** `-TARGET` where there are several, for names of what belongs to it. */
  readonly suffix: string;
  readonly road: Road;
  readonly sizes: BuildSizes;
}

/**
 * Compiles for each target, and puts the binaries in place when all of them are made and inspected: a release has a binary for
 * each target, and all of one build. Returns their absolute paths.
 *
 * @throws {BuildError} If one cannot be made. Then nothing was put in place.
 */
export async function compileTargets(
  program: Omit<Compilation, "output" | "target">,
  work: TargetWork,
): Promise<readonly string[]> {
  const { targets, output, step, shown, say, inspect } = work;
  const directory = dirname(output);
  await using staging = await openStaging(output).catch((error) => {
    throw new BuildError("compile", messageOf(error), { cause: error });
  });
  const names: string[] = [];
  const besides: string[] = [];
  for (const target of targets.length === 0 ? [undefined] : targets) {
    const suffix = targets.length > 1 ? `-${target}` : "";
    const name = `${basename(output)}${suffix}`;
    await say(`${step} ${shown(join(directory, name))}${target === undefined ? "" : ` for ${target}`}`);
    const path = join(staging.path, name);
    const road = await compileTo(path, directory, { ...program, target }, work);
    const sizes = await binarySizes(path);
    await say(sizesText(sizes));
    besides.push(...await inspect({ path, target, suffix, road, sizes }));
    names.push(name);
  }
  // Not all that is there: a compiler that ended early may have left parts of its output.
  for (const name of [...besides, ...names]) await Deno.rename(join(staging.path, name), join(directory, name));
  return names.map((name) => join(directory, name));
}

async function compileTo(
  output: string,
  directory: string,
  what: Omit<Compilation, "output">,
  { deno, env, cwd, say }: TargetWork,
): Promise<Road> {
  const failures: string[] = [];
  const road = await compile({ ...what, output }, {
    ...{ deno, env, cwd },
    failed: (name, error) => failures.push(`${name}: ${messageOf(error).replaceAll(dirname(output), directory)}`),
  });
  if (road === undefined) {
    const name = what.target === undefined ? "" : `for ${what.target}, and nothing was put in place:\n`;
    throw new BuildError("compile", name + withRoomHint(failures.join("\n")));
  }
  for (const failure of failures) await say(`    did not work: ${failure.split("\n")[0]}`);
  await say(`    made with the ${road.name}`);
  return road;
}

/** Whether a binary for `target` can be started on this machine. */
export function runsHere(target: string): boolean {
  return target.startsWith(Deno.build.arch) && target.includes(Deno.build.os);
}
