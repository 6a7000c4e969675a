/**
 * The file that says which agents there are: their tokens, and what each is told to be.
 *
 * @module
 */
import { z } from "zod";

import { checkValue } from "../../core/config/schema_problems.ts";
import { JsoncSyntaxError, parseJsonc } from "../../core/config/jsonc_document.ts";
import { ConfigError, messageOf } from "../../core/errors.ts";
import { derivedUuid, NIL_UUID } from "./uuid.ts";

const uuid = z.guid().transform((text) => text.toLowerCase()).refine((text) => text !== NIL_UUID, {
  message: "expected a UUID that is not all zero",
});
const name = z.string().min(1);
const seconds = z.number().int().min(0);

const script = z.strictObject({
  id: uuid.optional(),
  name,
  script: z.string(),
  logPath: z.string().default(""),
  runOnStart: z.boolean().default(false),
  runOnStop: z.boolean().default(false),
  startBlocksLogin: z.boolean().default(false),
  cron: z.string().default("").describe("Six fields, the first of them seconds."),
  timeoutSeconds: seconds.default(0).describe("0 for no limit."),
});

const app = z.strictObject({
  id: uuid.optional(),
  slug: z.string().regex(/^[a-z0-9](?:-?[a-z0-9])*$/, "expected lower-case letters, digits and single hyphens"),
  displayName: z.string().default(""),
  url: z.string().default(""),
  command: z.string().default(""),
  icon: z.string().default(""),
  external: z.boolean().default(false),
  hidden: z.boolean().default(false),
  subdomain: z.boolean().default(false),
  sharing: z.enum(["owner", "authenticated", "organization", "public"]).default("owner"),
  healthcheck: z.strictObject({
    url: z.string().min(1),
    intervalSeconds: z.number().int().min(1),
    threshold: z.number().int().min(1),
  }).optional(),
});

const metadatum = z.strictObject({
  key: name,
  displayName: z.string().default(""),
  script: z.string(),
  intervalSeconds: seconds.default(10).describe("0 for once per connection."),
  timeoutSeconds: seconds.default(5),
});

const secret = z.strictObject({
  env: z.string().default(""),
  file: z.string().default(""),
  value: z.string(),
}).refine(({ env, file }) => env !== "" || file !== "", { message: "expected env or file, or both" });

const banner = z.strictObject({
  message: name,
  background: z.string().regex(/^#[0-9a-f]{6}$/i, "expected a colour such as #004852").default("#004852"),
});

const gitSshKey = z.strictObject({
  privateKey: z.string().min(1).describe("PEM text, as ssh-keygen writes it."),
  publicKey: z.string().min(1).describe("A line of authorized_keys."),
});

const provider = z.strictObject({
  id: z.string().regex(/^[a-z0-9](?:-?[a-z0-9])*$/, "expected lower-case letters, digits and single hyphens"),
  match: z.string().min(1).refine(isPattern, { message: "expected a regular expression" }).describe(
    "Regular expression for the addresses of the git server.",
  ),
  type: z.string().default("").describe("github, gitlab, bitbucket-cloud and so on; decides the user name."),
  token: z.string().default("").describe("Empty: somebody has to give one while the control plane runs."),
});

const agent = z.strictObject({
  id: uuid.optional(),
  name,
  token: uuid.describe("What the agent proves itself with; a UUID."),
  owner: name.default("owner"),
  workspace: name.default("workspace"),
  directory: z.string().default(""),
  motdPath: z.string().default(""),
  gitAuthConfigs: z.number().int().min(0).optional().describe("Default: the number of externalAuth."),
  gitSshKey: gitSshKey.optional(),
  externalAuth: z.array(provider).default([]),
  prebuilt: z.boolean().default(false).describe("Belongs to nobody until somebody claims it."),
  vsCodePortProxyUri: z.string().default(""),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(secret).default([]),
  scripts: z.array(script).default([]),
  apps: z.array(app).default([]),
  metadata: z.array(metadatum).default([]),
  banners: z.array(banner).default([]),
  monitor: z.strictObject({
    memory: z.boolean().default(false),
    volumes: z.array(z.string()).default([]),
    datapoints: z.number().int().min(1).max(1000).default(20).describe("Samples an agent collects before it reports."),
    intervalSeconds: z.number().int().min(1).default(10).describe("Time between two samples."),
  }).prefault({}),
});

const file = z.strictObject({
  statsIntervalSeconds: z.number().int().min(1).default(30),
  agents: z.array(agent).min(1),
}).superRefine(({ agents }, ctx) => {
  for (const key of ["id", "name", "token"] as const) {
    const seen = new Map<string, number>();
    for (const [index, { [key]: value }] of agents.entries()) {
      if (value === undefined) continue;
      const first = seen.get(value);
      if (first === undefined) seen.set(value, index);
      else {ctx.addIssue({
          code: "custom",
          path: ["agents", index, key],
          message: `agents.${first} has the same ${key}`,
        });}
    }
  }
});

type ParsedAgent = z.output<typeof agent>;

/** A script of a manifest. */
export type ScriptDefinition = Omit<z.output<typeof script>, "id"> & { readonly id: string };
/** An app of a manifest. */
export type AppDefinition = Omit<z.output<typeof app>, "id"> & { readonly id: string };
/** A git server the workspace gets a token for. */
export type ExternalAuthDefinition = z.output<typeof provider>;
/** One agent, with every id filled in. */
export type AgentDefinition = Omit<ParsedAgent, "id" | "scripts" | "apps" | "gitAuthConfigs"> & {
  readonly id: string;
  readonly gitAuthConfigs: number;
  readonly workspaceId: string;
  readonly templateId: string;
  readonly templateVersionId: string;
  readonly scripts: readonly ScriptDefinition[];
  readonly apps: readonly AppDefinition[];
};

/** What the file says. */
export interface AgentsFile {
  /** How often agents are asked to report statistics. */
  readonly statsIntervalSeconds: number;
  readonly agents: readonly AgentDefinition[];
}

/** Reads and checks the file. @throws {ConfigError} With every problem, each with its line. */
export async function readAgentsFile(path: string): Promise<AgentsFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new ConfigError([{ path: "", source: path, message: `cannot be read: ${messageOf(error)}` }]);
  }
  return parseAgentsFile(text, path);
}

/** Checks the text of a file. @throws {ConfigError} With every problem, each with its line. */
export function parseAgentsFile(text: string, source: string): AgentsFile {
  const { value, places, duplicates } = parse(text, source);
  const problems = duplicates.map(({ path, place }) => ({
    path,
    source: `${source}:${place.line}:${place.column}`,
    message: "is given twice",
  }));
  const checked = checkValue(file, value, {
    at: [],
    source: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const place = places.get(path.slice(0, length).map(String).join("."));
        if (place !== undefined) return `${source}:${place.line}:${place.column}`;
      }
      return source;
    },
    hidden: secretPaths(value),
  });
  if ("problems" in checked) problems.push(...checked.problems.map((p) => ({ ...p, source: p.source ?? source })));
  if (problems.length > 0 || "problems" in checked) throw new ConfigError(problems);
  const { statsIntervalSeconds, agents } = checked.value;
  return { statsIntervalSeconds, agents: agents.map(complete) };
}

function parse(text: string, source: string): ReturnType<typeof parseJsonc> {
  try {
    return parseJsonc(text);
  } catch (error) {
    if (!(error instanceof JsoncSyntaxError)) throw error;
    const { line, column } = error.place;
    throw new ConfigError([{ path: "", source: `${source}:${line}:${column}`, message: error.message }]);
  }
}

/** Tokens and secrets, so that a message about one does not show it. */
function secretPaths(value: unknown): ReadonlySet<string> {
  const agents = (value as { readonly agents?: unknown } | null)?.agents;
  const paths = new Set<string>();
  for (const [index, given] of (Array.isArray(agents) ? agents : []).entries()) {
    paths.add(`agents.${index}.token`);
    paths.add(`agents.${index}.gitSshKey.privateKey`);
    for (const [list, key] of [["secrets", "value"], ["externalAuth", "token"]] as const) {
      const entries: unknown = given?.[list];
      for (const inner of Array.isArray(entries) ? entries.keys() : []) {
        paths.add(`agents.${index}.${list}.${inner}.${key}`);
      }
    }
  }
  return paths;
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function complete(given: ParsedAgent): AgentDefinition {
  const id = given.id ?? derivedUuid("agent", given.name);
  return {
    ...given,
    id,
    gitAuthConfigs: given.gitAuthConfigs ?? given.externalAuth.length,
    workspaceId: derivedUuid("workspace", given.owner, given.workspace),
    templateId: derivedUuid("template", id),
    templateVersionId: derivedUuid("template version", id),
    scripts: given.scripts.map((each) => ({ ...each, id: each.id ?? derivedUuid("script", id, each.name) })),
    apps: given.apps.map((each) => ({ ...each, id: each.id ?? derivedUuid("app", id, each.slug) })),
  };
}
