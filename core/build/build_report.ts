/**
 * What a binary is made of, as a text that two builds can be compared by.
 *
 * @module
 */
import { alignColumns } from "../cli/text_table.ts";
import type { PluginPermissions } from "../plugin.ts";

/** Everything the report says. */
export interface BuildReport {
  readonly name: string;
  readonly version: string;
  /** What the binary is for, such as `linux x86_64`. */
  readonly target: string;
  /** Version of the Deno inside. */
  readonly deno: string;
  /** Absent where no binary was measured. */
  readonly sizes?: BuildSizes;
  /** Flags the binary is compiled with; absent: all permissions. */
  readonly flags?: readonly string[];
  readonly plugins: readonly ReportedPlugin[];
  readonly modules: readonly ReportedModule[];
  readonly packages: readonly ReportedPackage[];
}
/** Bytes of a binary. */
export interface BuildSizes {
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly zstdBytes: number;
}
/** A plugin inside. */
export interface ReportedPlugin {
  readonly id: string;
  readonly version: string;
  readonly stability: string;
  readonly permissions?: PluginPermissions;
}
/** A module of the graph, whether it is loaded at the start or later. */
export interface ReportedModule {
  /** Part it belongs to, such as `core` or `plugins/ssh`. */
  readonly origin: string;
}
/** A package from npm. */
export interface ReportedPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/**
 * The report. Nothing depends on the order of the input, on the time or on where the build ran; sizes are rounded to 0.1
 * MB, so that two builds of the same sources give the same text.
 */
export function buildReport(report: BuildReport): string {
  const { plugins, modules, packages } = report;
  return [
    `${report.name} ${report.version} for ${report.target}, on Deno ${report.deno}`,
    ...(report.sizes === undefined ? [] : [sizesText(report.sizes)]),
    ...(report.flags === undefined ? [] : [`Permissions: ${[...report.flags].sort().join(" ")}`]),
    "",
    `Plugins: ${plugins.length}`,
    rows(plugins.map((plugin) => [plugin.id, plugin.version, plugin.stability, permissionsText(plugin.permissions)])),
    `Modules: ${modules.length}`,
    rows([...counts(modules.map(({ origin }) => origin))]),
    `Licences of the ${packages.length} packages from npm`,
    rows([...counts(packages.map(({ licence }) => licence))]),
    `Packages from npm: ${packages.length}`,
    rows(packages.map(({ name, version, licence }) => [name, version, licence])),
  ].join("\n").trimEnd() + "\n";
}

/** The sizes of a binary, rounded to 0.1 MB. */
export function sizesText({ bytes, gzipBytes, zstdBytes }: BuildSizes): string {
  return `Size: ${megabytes(bytes)}; with gzip ${megabytes(gzipBytes)}, with zstd ${megabytes(zstdBytes)}`;
}

/** The licence as a `package.json` states it, in today's form or in the older ones. */
export function licenceOf(manifest: { readonly license?: unknown; readonly licenses?: unknown }): string {
  const stated = [manifest.license ?? manifest.licenses ?? []].flat().map((licence) =>
    typeof licence === "object" && licence !== null && "type" in licence ? licence.type : licence
  );
  const names = stated.filter((name) => typeof name === "string" && name !== "");
  return names.length === 0 ? "not stated" : names.join(" OR ");
}

function permissionsText(permissions: PluginPermissions = {}): string {
  const names = Object.entries(permissions).map(([name, value]) =>
    value === true ? name : `${name}=${[...value].sort().join(",")}`
  );
  return names.length === 0 ? "none" : names.sort().join(" ");
}

function counts(names: readonly string[]): Map<string, string> {
  const found = Map.groupBy(names, (name) => name);
  return new Map([...found].map(([name, all]) => [name, String(all.length)]));
}

function rows(cells: readonly (readonly string[])[]): string {
  const sorted = cells.map((row) => ["", ...row]).sort((a, b) => compare(a.join("\0"), b.join("\0")));
  return alignColumns(sorted);
}

/** By code unit: a collation would differ with the machine's locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
