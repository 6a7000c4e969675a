/**
 * Finds out what a binary is made of, for {@linkcode BuildReport}.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import type { Transform } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";
import { join, toFileUrl } from "@std/path";

import { type BuildSizes, licenceOf, type ReportedModule, type ReportedPackage } from "./build_report.ts";
import type { Runner } from "./runner.ts";

/** What {@linkcode graphFacts} takes. */
export interface GraphOptions {
  /** Runs `deno`. */
  readonly deno: Runner;
  readonly entry: string;
  /** Such as `--config FILE`. */
  readonly flags?: readonly string[];
  /** Directories whose modules are told apart by their folder: the agent's checkout, the project that builds. */
  readonly roots: readonly string[];
  /** Address of the JSR registry whose packages are named. Default: `https://jsr.io`. */
  readonly registry?: string;
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

/** Modules and packages that a program reaches. @throws {Error} If the module graph cannot be read. */
export async function graphFacts(
  { deno, entry, flags = [], roots, everyPackage, registry = "https://jsr.io" }: GraphOptions,
): Promise<{ readonly modules: readonly ReportedModule[]; readonly packages: readonly ReportedPackage[] }> {
  const graph = JSON.parse(await deno(["info", "--json", ...flags, entry])) as ModuleGraph;
  const chosen = everyPackage ? Object.values(graph.npmPackages) : reached(graph);
  const places = { bases: roots.map((root) => folder(toFileUrl(root).href)), registry: folder(registry) };
  return {
    modules: graph.modules.map(({ kind, specifier }) => ({ origin: originOf(kind, specifier, places) })),
    packages: (await Promise.all(chosen.map(packageFacts))).filter((found) => found !== undefined),
  };
}

/** How large a binary is, and how large on its way. */
export async function binarySizes(path: string): Promise<BuildSizes> {
  const [{ size }, gzipBytes, zstdBytes] = await Promise.all([
    Deno.stat(path),
    packedBytes(path, createGzip()),
    packedBytes(path, createZstdCompress()),
  ]);
  return { bytes: size, gzipBytes, zstdBytes };
}

/** With one slash at its end. */
function folder(address: string): string {
  return `${address.replace(/\/$/, "")}/`;
}

interface Places {
  readonly bases: readonly string[];
  readonly registry: string;
}

function originOf(kind: string, specifier: string, { bases, registry }: Places): string {
  if (kind === "npm") return "npm (entry points)";
  if (kind === "node") return "node (built in)";
  const base = bases.find((each) => specifier.startsWith(each));
  if (base === undefined) {
    // The same path at any other host must not look like the package: the report is what people review.
    const path = specifier.startsWith(registry) ? specifier.slice(registry.length) : "";
    return /^@[^/]+\/[^/]+(?=\/)/.exec(path)?.[0] ?? "elsewhere";
  }
  const parts = specifier.slice(base.length).split("/");
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
