/**
 * Units of work and what they wait for.
 *
 * @module
 */

/** How a unit stands; any change but to the same status is allowed. */
export type UnitStatus = "pending" | "started" | "completed";

/** What a unit waits for. */
export interface Dependency {
  readonly unit: string;
  readonly dependsOn: string;
  readonly required: UnitStatus;
  /** `""` while nobody has registered the other unit. */
  readonly current: UnitStatus | "";
  readonly isSatisfied: boolean;
}
/** A registered unit. */
export interface Unit {
  readonly name: string;
  readonly status: UnitStatus;
  readonly isReady: boolean;
}

/** Why the graph refuses something. */
export type UnitProblem = "no_name" | "not_found" | "not_ready" | "same_status" | "cycle" | "limit";

/** The graph refused a change; nothing was changed but, for a dependency, that the dependent unit is registered. */
export class UnitError extends Error {
  override readonly name = "UnitError";
  readonly code = "agentsocket_unit";

  constructor(readonly problem: UnitProblem, message: string) {
    super(message);
  }
}

/** Limits of {@linkcode UnitGraph}: any process of the workspace can add to it. */
export interface UnitGraphLimits {
  /** Most names, registered or only depended on. */
  readonly maxUnits: number;
  /** Most dependencies in all. */
  readonly maxDependencies: number;
  /** Longest name, in characters. */
  readonly maxNameLength: number;
}

/** One name that was heard of. */
interface Vertex {
  readonly name: string;
  /** Absent: only depended on. */
  status?: UnitStatus;
  readonly dependencies: Map<Vertex, UnitStatus>;
}

/**
 * A graph without cycles. A unit is ready when everything it depends on has exactly the required status: a dependency that leaves that
 * status again makes its dependents not ready. State lives in memory.
 */
export class UnitGraph {
  readonly #limits: UnitGraphLimits;
  readonly #vertices = new Map<string, Vertex>();
  #dependencies = 0;

  constructor(limits: UnitGraphLimits) {
    this.#limits = limits;
  }

  /** Registers a unit as pending. One that is registered keeps its status. @throws {UnitError} */
  register(name: string): void {
    this.#vertex(name).status ??= "pending";
  }

  /**
   * Makes `name`, which is registered by this, wait until `dependsOn` has the status `required`. Repeating it replaces the status.
   *
   * @throws {UnitError} When a name is empty, a limit is reached, or a cycle would come about; the message names its path.
   */
  depend(name: string, dependsOn: string, required: UnitStatus = "completed"): void {
    this.#check(dependsOn);
    this.register(name);
    const unit = this.#vertex(name);
    const path = this.#path(dependsOn, name);
    if (path !== undefined) {
      const steps = [name, ...path].map((step) => JSON.stringify(step)).join(" -> ");
      throw new UnitError("cycle", `failed to add dependency: cycle detected: ${steps}`);
    }
    const other = this.#vertex(dependsOn);
    if (!unit.dependencies.has(other)) {
      if (this.#dependencies >= this.#limits.maxDependencies) {
        const { maxDependencies: limit } = this.#limits;
        throw new UnitError("limit", `failed to add dependency: ${limit} dependencies are there and that is the limit`);
      }
      this.#dependencies++;
    }
    unit.dependencies.set(other, required);
  }

  /** @throws {UnitError} When the unit is not registered, or has this status. */
  setStatus(name: string, status: UnitStatus): void {
    this.#check(name);
    const unit = this.#vertices.get(name);
    if (unit?.status === undefined) throw new UnitError("not_found", "unit must be registered first: unit not found");
    if (unit.status === status) throw new UnitError("same_status", `same status already set: ${status}`);
    unit.status = status;
  }

  /** Status of a unit, `""` when it is not registered. @throws {UnitError} When the name is empty. */
  status(name: string): UnitStatus | "" {
    this.#check(name);
    return this.#vertices.get(name)?.status ?? "";
  }

  /** Whether nothing holds the unit; nothing holds one that is not registered. @throws {UnitError} When the name is empty. */
  isReady(name: string): boolean {
    this.#check(name);
    const unit = this.#vertices.get(name);
    return unit === undefined || isReady(unit);
  }

  /** What a unit depends on, in the order it was said. @throws {UnitError} When the name is empty. */
  dependencies(name: string): readonly Dependency[] {
    this.#check(name);
    const found = this.#vertices.get(name)?.dependencies ?? new Map<Vertex, UnitStatus>();
    return [...found].map(([other, required]) => ({
      unit: name,
      dependsOn: other.name,
      required,
      current: other.status ?? "",
      isSatisfied: other.status === required,
    }));
  }

  /** Registered units, in the order they became known. */
  units(): readonly Unit[] {
    return [...this.#vertices.values()].flatMap((unit) =>
      unit.status === undefined ? [] : [{ name: unit.name, status: unit.status, isReady: isReady(unit) }]
    );
  }

  /** Every name that was heard of. */
  names(): readonly string[] {
    return [...this.#vertices.keys()];
  }

  #check(name: string): void {
    if (name === "") throw new UnitError("no_name", "unit name is required");
    const { maxNameLength } = this.#limits;
    if (name.length > maxNameLength) {
      throw new UnitError("limit", `unit name has ${name.length} characters and the limit is ${maxNameLength}`);
    }
  }

  #vertex(name: string): Vertex {
    this.#check(name);
    const found = this.#vertices.get(name);
    if (found !== undefined) return found;
    if (this.#vertices.size >= this.#limits.maxUnits) {
      throw new UnitError("limit", `${this.#limits.maxUnits} units are known and that is the limit`);
    }
    const made: Vertex = { name, dependencies: new Map() };
    this.#vertices.set(name, made);
    return made;
  }

  /** The shortest way along dependencies, ends included; `undefined` when there is none. */
  #path(from: string, to: string): readonly string[] | undefined {
    if (from === to) return [from];
    const start = this.#vertices.get(from);
    const cameFrom = new Map<Vertex, Vertex | undefined>(start && [[start, undefined]]);
    for (const vertex of cameFrom.keys()) { // A map yields what is added while it is walked: first come, first served.
      for (const next of vertex.dependencies.keys()) {
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, vertex);
        if (next.name === to) return pathTo(next, cameFrom);
      }
    }
    return undefined;
  }
}

function isReady(unit: Vertex): boolean {
  for (const [other, required] of unit.dependencies) if (other.status !== required) return false;
  return true;
}

function pathTo(end: Vertex, cameFrom: ReadonlyMap<Vertex, Vertex | undefined>): readonly string[] {
  const path: string[] = [];
  for (let step: Vertex | undefined = end; step !== undefined; step = cameFrom.get(step)) path.unshift(step.name);
  return path;
}
