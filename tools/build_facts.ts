/**
 * Finds out what a binary is made of, for {@linkcode BuildReport}.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import type { Transform } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";
import { join, toFileUrl } from "@std/path";

import { readDefinition } from "../core/definition.ts";
import { standardPlugins } from "../plugins/standard.ts";
import { type BuildReport, licenceOf, type ReportedPackage } from "./build_report.ts";

/** What {@linkcode buildFacts} takes. */
export interface BuildFactsOptions {
  /** The repository. */
  readonly root: string;
  /** Path of the binary; it must run here. */
  readonly binary: string;
  /** Whether packages that the graph does not reach were put inside too. */
  readonly everyPackage: boolean;
}

/** The part of `deno info --json` that is read. */
interface ModuleGraph {
  readonly modules: readonly { readonly kind: string; readonly specifier: string; readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, GraphPackage>>;
}
interface GraphPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly localPath?: string;
}

/** @throws {Error} If the binary does not run, or the module graph cannot be read. */
export async function buildFacts({ root, binary, everyPackage }: BuildFactsOptions): Promise<BuildReport> {
  const [version, graph, { size }, gzipBytes, zstdBytes] = await Promise.all([
    json<Record<"name" | "version" | "deno" | "os" | "arch", string>>(binary, ["version", "--json"], root),
    json<ModuleGraph>(Deno.execPath(), ["info", "--json", "main.ts"], root),
    Deno.stat(binary),
    packedBytes(binary, createGzip()),
    packedBytes(binary, createZstdCompress()),
  ]);
  const chosen = everyPackage ? Object.values(graph.npmPackages) : reached(graph);
  return {
    name: version.name,
    version: version.version,
    target: `${version.os} ${version.arch}`,
    deno: version.deno,
    bytes: size,
    gzipBytes,
    zstdBytes,
    plugins: standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
    modules: graph.modules.map(({ kind, specifier }) => ({ origin: originOf(kind, specifier, toFileUrl(root).href) })),
    packages: (await Promise.all(chosen.map(packageFacts))).filter((found) => found !== undefined),
  };
}

function originOf(kind: string, specifier: string, root: string): string {
  if (kind === "npm") return "npm (entry points)";
  if (kind === "node") return "node (built in)";
  if (!specifier.startsWith(root)) return "elsewhere";
  const parts = specifier.slice(root.length).split("/");
  // A plugin is a directory of its own; `plugins/standard.ts` is none.
  return parts.slice(0, parts[0] === "plugins" && parts.length > 2 ? 2 : 1).join("/");
}

/** The packages that modules of the graph are in, and all they depend on. */
function reached({ modules, npmPackages }: ModuleGraph): GraphPackage[] {
  const ids = new Set<string>(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  // A set shows what is added to it during the loop, too.
  for (const id of ids) npmPackages[id]?.dependencies.forEach((dependency) => ids.add(dependency));
  return [...ids].flatMap((id) => npmPackages[id] ?? []);
}

/** `undefined` for a package that is not installed, being for another operating system. */
async function packageFacts({ name, version, localPath }: GraphPackage): Promise<ReportedPackage | undefined> {
  if (localPath === undefined) return undefined;
  try {
    const manifest = JSON.parse(await Deno.readTextFile(join(localPath, "package.json")));
    return { name, version, licence: licenceOf(manifest) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function packedBytes(path: string, packer: Transform): Promise<number> {
  let bytes = 0;
  for await (const chunk of createReadStream(path).pipe(packer)) bytes += chunk.length;
  return bytes;
}

async function json<T>(command: string, args: readonly string[], cwd: string): Promise<T> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (code === 0) return JSON.parse(new TextDecoder().decode(stdout)) as T;
  throw new Error(`${command} ${args[0]} exited with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
}
