/**
 * From definitions and configuration to an order: who runs, who waits for whom, who is skipped and why. Pure.
 *
 * @module
 */
import { type AnyDefinition, mountSegments, tokenOf } from "./definition.ts";
import type { ConfigProblem } from "./errors.ts";
import type { HostFacts } from "./plugin.ts";

/** What the configuration says about one plugin, as far as the plan cares. */
export interface PlanEntry {
  readonly definition: AnyDefinition;
  /** `undefined`: the configuration does not say; the definition decides. */
  readonly enabled?: boolean;
  /** A plugin that must run: being skipped or disabled becomes a problem. */
  readonly required?: boolean;
  /** Where the entry is written, for messages. */
  readonly source?: string;
}
/** Input of {@linkcode makePlan}. */
export interface PlanInput {
  readonly entries: readonly PlanEntry[];
  readonly host: HostFacts;
  /** Ids of services that come from outside the plugins, such as fakes of a test. */
  readonly external?: ReadonlySet<string>;
  /** First segments under `/api/v0` that the core keeps for itself. */
  readonly reserved?: ReadonlySet<string>;
}

/** One plugin's place in the plan. */
export interface PlannedPlugin {
  readonly definition: AnyDefinition;
  /** Position in the order of set-up; environment contributions apply in it. */
  readonly rank: number;
  readonly verdict: "run" | "disabled" | "skipped";
  /** Why it does not run. */
  readonly reason?: string;
  /** Ids of the plugins it waits for, with and without choice. */
  readonly dependencies: readonly Dependency[];
}
/** One plugin waits for another. */
export interface Dependency {
  readonly plugin: string;
  readonly service: string;
  readonly optional: boolean;
}
/** An order, or every reason why there is none. */
export interface Plan {
  /** Providers before those who need them; otherwise as listed. */
  readonly plugins: readonly PlannedPlugin[];
  readonly problems: readonly ConfigProblem[];
}

/** Makes the plan; never throws and reports all problems at once. */
export function makePlan(input: PlanInput): Plan {
  const problems: ConfigProblem[] = [];
  const entries = withoutDuplicates(input.entries, problems);
  const skipped = new Map<string, string>();
  const disabled = new Map<string, string>();

  for (const { definition, enabled } of entries) {
    if (enabled ?? definition.enabledByDefault ?? true) {
      const verdict = definition.supported?.(input.host) ?? true;
      if (verdict !== true) skipped.set(definition.id, verdict.reason);
    } else {
      disabled.set(definition.id, enabled === false ? "switched off in the configuration" : "off by default");
    }
  }
  const candidates = entries.filter((entry) => !disabled.has(entry.definition.id));
  const providers = findProviders(candidates, problems);
  checkMounts(candidates, input.reserved ?? new Set(), problems);

  const dependencies = new Map<string, Dependency[]>();
  for (const entry of candidates) {
    dependencies.set(entry.definition.id, findDependencies(entry, providers, entries, input, skipped, problems));
  }
  spreadSkips(candidates, dependencies, skipped);
  const order = sortByDependencies(entries, dependencies, problems);
  checkRequired(entries, skipped, disabled, problems);

  return {
    problems,
    plugins: order.map((definition, rank) => {
      const reason = disabled.get(definition.id) ?? skipped.get(definition.id);
      return {
        definition,
        rank,
        verdict: disabled.has(definition.id) ? "disabled" : skipped.has(definition.id) ? "skipped" : "run",
        ...(reason === undefined ? {} : { reason }),
        dependencies: dependencies.get(definition.id) ?? [],
      };
    }),
  };
}

function entryPath(id: string): string {
  return `plugins.${id}`;
}

function withoutDuplicates(entries: readonly PlanEntry[], problems: ConfigProblem[]): PlanEntry[] {
  const byId = new Map<string, PlanEntry>();
  for (const entry of entries) {
    const { id, version } = entry.definition;
    const first = byId.get(id);
    if (first === undefined) byId.set(id, entry);
    else {
      problems.push({
        path: entryPath(id),
        source: entry.source,
        message: `plugin "${id}" is listed twice, as ${first.definition.version} and ${version}: keep one`,
      });
    }
  }
  return [...byId.values()];
}

function findProviders(entries: readonly PlanEntry[], problems: ConfigProblem[]): Map<string, string> {
  const providers = new Map<string, string>();
  for (const { definition, source } of entries) {
    for (const token of definition.provides ?? []) {
      const other = providers.get(token.id);
      if (other === undefined) providers.set(token.id, definition.id);
      else {
        problems.push({
          path: entryPath(definition.id),
          source,
          message: `service "${token.id}" is provided by "${other}" and by "${definition.id}": switch one of them off`,
        });
      }
    }
  }
  return providers;
}

function checkMounts(entries: readonly PlanEntry[], reserved: ReadonlySet<string>, problems: ConfigProblem[]): void {
  const claimed = new Map<string, string>();
  for (const { definition, source } of entries) {
    for (const segment of mountSegments(definition)) {
      const other = reserved.has(segment) ? "the agent itself" : claimed.get(segment);
      if (other === undefined) claimed.set(segment, `plugin "${definition.id}"`);
      else {
        problems.push({
          path: entryPath(definition.id),
          source,
          message: `mount "/api/v0/${segment}" is already claimed by ${other}: switch one of them off`,
        });
      }
    }
  }
}

function findDependencies(
  entry: PlanEntry,
  providers: ReadonlyMap<string, string>,
  all: readonly PlanEntry[],
  input: PlanInput,
  skipped: Map<string, string>,
  problems: ConfigProblem[],
): Dependency[] {
  const { definition, source } = entry;
  const found: Dependency[] = [];
  for (const need of Object.values(definition.needs ?? {})) {
    const service = tokenOf(need).id;
    if (input.external?.has(service)) continue;
    const optional = need.kind === "optional";
    const plugin = providers.get(service);
    if (plugin !== undefined) {
      found.push({ plugin, service, optional });
    } else if (!optional) {
      const off = all.find((other) => other.definition.provides?.some((token) => token.id === service));
      if (off !== undefined) {
        skipped.set(definition.id, `needs "${service}" of plugin "${off.definition.id}", which is disabled`);
      } else {
        problems.push({
          path: entryPath(definition.id),
          source,
          message: `plugin "${definition.id}" needs service "${service}" and no plugin of this agent provides it: ` +
            `add one that does, or switch "${definition.id}" off`,
        });
      }
    }
  }
  return found;
}

/** A plugin whose required provider does not run does not run either; the reason names the chain. */
function spreadSkips(
  entries: readonly PlanEntry[],
  dependencies: ReadonlyMap<string, readonly Dependency[]>,
  skipped: Map<string, string>,
): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const { definition } of entries) {
      if (skipped.has(definition.id)) continue;
      const broken = dependencies.get(definition.id)?.find((need) => !need.optional && skipped.has(need.plugin));
      if (broken === undefined) continue;
      skipped.set(
        definition.id,
        `needs "${broken.service}" of plugin "${broken.plugin}", which is skipped: ${skipped.get(broken.plugin)}`,
      );
      changed = true;
    }
  }
}

function sortByDependencies(
  entries: readonly PlanEntry[],
  dependencies: ReadonlyMap<string, readonly Dependency[]>,
  problems: ConfigProblem[],
): AnyDefinition[] {
  const byId = new Map(entries.map((entry) => [entry.definition.id, entry]));
  const order: AnyDefinition[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  function visit(id: string): void {
    if (done.has(id)) return;
    const start = path.indexOf(id);
    if (start >= 0) {
      const cycle = [...path.slice(start), id].map((part) => `"${part}"`).join(" -> ");
      problems.push({
        path: entryPath(id),
        source: byId.get(id)?.source,
        message: `plugins need each other: ${cycle}; switch one off, or move what they share into a third plugin`,
      });
      return;
    }
    path.push(id);
    for (const need of dependencies.get(id) ?? []) visit(need.plugin);
    path.pop();
    if (done.has(id)) return; // Reached again inside a cycle.
    done.add(id);
    const entry = byId.get(id);
    if (entry !== undefined) order.push(entry.definition);
  }
  for (const entry of entries) visit(entry.definition.id);
  return order;
}

function checkRequired(
  entries: readonly PlanEntry[],
  skipped: ReadonlyMap<string, string>,
  disabled: ReadonlyMap<string, string>,
  problems: ConfigProblem[],
): void {
  for (const { definition: { id }, required, source } of entries) {
    if (!required) continue;
    const reason = disabled.get(id) ?? skipped.get(id);
    if (reason === undefined) continue;
    problems.push({
      path: entryPath(id),
      source,
      message: `plugin "${id}" is required and cannot run: ${reason}`,
    });
  }
}
