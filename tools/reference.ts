/**
 * `deno task reference`: writes `docs/reference/` from the code, and the API document as it is promised.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";

import { CORE_COMMANDS } from "../core/cli/commands/mod.ts";
import type { FlagSpec } from "../core/cli/flags.ts";
import { agentSettings } from "../core/config/agent_settings.ts";
import { type JsonSchema, jsonSchemaOf } from "../core/config/schema_shape.ts";
import { readDefinition } from "../core/definition.ts";
import { ERROR_CODES } from "../core/errors.ts";
import type { ApiDocument } from "../core/http/api_document.ts";
import type { StartFlag } from "../core/plugin.ts";
import { createTestAgent } from "../core/testing/mod.ts";
import { standardPlugins } from "../plugins/standard.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** Every generated file by its path from the root. */
export async function referenceFiles(): Promise<Readonly<Record<string, string>>> {
  await using agent = await createTestAgent({ plugins: standardPlugins, time: "real" });
  const document: ApiDocument = await (await agent.get("/api/v0/openapi.json")).json();
  return {
    "docs/reference/routes.md": await formatted(routesPage(document)),
    "docs/reference/config.md": await formatted(configPage()),
    "docs/reference/metrics.md": await formatted(metricsPage(await agent.agent.metrics())),
    "docs/reference/errors.md": await formatted(errorsPage()),
    "docs/reference/commands.md": await formatted(commandsPage()),
    "test/wire/golden/openapi.json": await formatted(JSON.stringify(document), "json"),
  };
}

function routesPage({ paths }: ApiDocument): string {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ path, method, it, plugin: (it.tags as string[])[0]! }))
  );
  const sections = [...new Set(rows.map(({ plugin }) => plugin))].map((plugin) =>
    section(
      `\`${plugin}\``,
      table(
        ["Route", "Operation", "Does", "Answers"],
        rows.filter((row) => row.plugin === plugin).map(({ path, method, it }) => [
          `\`${method.toUpperCase()} ${path}\``,
          `\`${it.operationId}\``,
          String(it.summary),
          Object.keys(it.responses as object).filter((status) => status !== "default").join(", "),
        ]),
      ),
    )
  );
  return page(
    "Routes",
    "Bodies, parameters and messages are in the API document, `GET /api/v0/openapi.json`.",
    ...sections,
  );
}

function configPage(): string {
  const plugins = standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []);
  const sections = plugins.map(({ id, summary, config }) =>
    section(`\`plugins.${id}.config\``, summary, config ? settingsTable(jsonSchemaOf(config)) : "No settings.")
  );
  return page(
    "Configuration",
    "`outpost config schema` prints the same as a JSON Schema for editors.",
    section("`agent`", "The agent itself.", settingsTable(jsonSchemaOf(agentSettings))),
    ...sections,
  );
}

function settingsTable(schema: JsonSchema): string {
  const rows = settings(schema, "");
  return rows.length === 0 ? "No settings." : table(["Setting", "Type", "Default", "Meaning"], rows);
}

function settings(schema: JsonSchema, path: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === "" ? name : `${path}.${name}`;
    if (field.properties !== undefined) return settings(field, here);
    const fallback = field.default === undefined ? "" : `\`${JSON.stringify(field.default)}\``;
    return [[`\`${here}\``, typeName(field), fallback, String(field.description ?? "")]];
  });
}

function typeName(field: JsonSchema): string {
  if (Array.isArray(field.enum)) return field.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (field.anyOf) return field.anyOf.map(typeName).join(" or ");
  if (Array.isArray(field.type)) return field.type.join(" or ");
  return String(field.type ?? "any");
}

function metricsPage(exposition: string): string {
  const types = new Map(
    [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
  );
  const rows = [...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = "", help = ""]) => [
    `\`${name}\``,
    types.get(name) ?? "",
    help.replaceAll("\\n", " "),
  ]);
  return page(
    "Metrics",
    "Served at `/metrics`. Plugins that do not run have none.",
    table(
      ["Metric", "Type", "What it says"],
      rows.sort(([a = ""], [b = ""]) => a < b ? -1 : 1),
    ),
  );
}

function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]);
  return page(
    "Error codes",
    "The member `code` of every error body. A plugin's own codes begin with its id and stand in its README.",
    table(["Code", "Meaning"], rows),
  );
}

function commandsPage(): string {
  const own = CORE_COMMANDS.map(({ name, usage, summary, flags }) =>
    section(commandTitle(name, usage), summary, flagsTable(flags))
  );
  const definitions = standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []);
  const starts = definitions.flatMap(({ id, starts }) =>
    (starts ?? []).map(({ name, summary, flags }) =>
      section(
        commandTitle(name),
        `${summary} Takes the flags of \`start\` too. From the plugin \`${id}\`.`,
        flagsTable(flags),
      )
    )
  );
  const added = definitions.flatMap(({ id, commands }) =>
    (commands ?? []).map(({ name, usage, summary }) =>
      section(commandTitle(name, usage), `${summary.replace(/\.$/, "")}. From the plugin \`${id}\`.`)
    )
  );
  return page("Commands", "", ...own, ...starts, ...added);
}

function commandTitle(name: string, usage = ""): string {
  return `\`outpost ${[name, usage].join(" ").trim()}\``;
}

function flagsTable(flags: readonly (FlagSpec | StartFlag)[]): string {
  if (flags.length === 0) return "";
  const named = ({ name, value, ...more }: FlagSpec | StartFlag) => {
    const values = "choices" in more ? more.choices?.join("|") : undefined;
    return `\`--${[name, values ?? value].filter((part) => part !== undefined).join(" ")}\``;
  };
  return table(["Flag", "Meaning"], flags.map((flag) => [named(flag), flag.summary]));
}

function page(title: string, ...parts: readonly string[]): string {
  return [`# ${title}`, "Written by `deno task reference`; do not edit.", ...parts].filter((part) => part).join(
    "\n\n",
  ) + "\n";
}

function section(title: string, ...parts: readonly string[]): string {
  return [`## ${title}`, ...parts].filter((part) => part).join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** As `deno fmt` would write it, so that the files need no exception. */
async function formatted(text: string, extension: "md" | "json" = "md"): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--config", join(ROOT, "deno.json"), "--ext", extension, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error("Cannot format a generated page");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await referenceFiles())) {
    const file = join(ROOT, path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}
