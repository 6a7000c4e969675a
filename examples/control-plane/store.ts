/**
 * What the control plane remembers. All times are RFC 3339 texts in UTC unless a name says otherwise.
 *
 * @module
 */

/** When an agent was connected. */
export interface ConnectionTimes {
  readonly firstConnectedAt: string;
  /** Grows while the agent is connected. */
  readonly lastConnectedAt: string;
  /** End of the last connection that ended. */
  readonly disconnectedAt?: string;
}
/** What the agent said of itself when it started. */
export interface StartupReport {
  readonly version: string;
  readonly apiVersion: string;
  readonly directory: string;
  readonly subsystems: readonly string[];
  readonly receivedAt: string;
}
/** Where the agent stands in its life. */
export interface LifecycleState {
  readonly state: string;
  readonly changedAt: string;
  readonly startedAt?: string;
  /** When the start scripts had ended, well or not. */
  readonly readyAt?: string;
}
/** The latest value of one key. */
export interface MetadataValue {
  readonly value: string;
  readonly error: string;
  readonly collectedAt: string;
}
/** The latest health of one app. */
export interface AppHealthValue {
  readonly health: string;
  readonly receivedAt: string;
}

/** The latest statistics. */
export interface StatsReport {
  /** Numbers by their names in the protocol, in snake case: `rx_bytes`, `session_count_ssh`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly connectionsByProto: Readonly<Record<string, number>>;
  readonly metrics: readonly {
    readonly name: string;
    readonly type: string;
    readonly value: number;
    readonly labels: Readonly<Record<string, string>>;
  }[];
  readonly receivedAt: string;
}

/** Values of which only the newest counts, by kind; each has a key beside the agent. */
export interface LatestKinds {
  readonly times: ConnectionTimes;
  readonly startup: StartupReport;
  readonly state: LifecycleState;
  readonly metadata: MetadataValue;
  readonly appHealth: AppHealthValue;
  readonly stats: StatsReport;
  /** Whether the agent has used up its room for log lines. */
  readonly logLimit: { readonly isReached: boolean };
}
/** Values that are kept one after the other, by kind. */
export interface EventKinds {
  readonly lifecycle: { readonly state: string; readonly changedAt: string; readonly receivedAt: string };
  readonly timing: {
    readonly scriptId: string;
    readonly stage: string;
    readonly status: string;
    readonly exitCode: number;
    readonly start: string;
    readonly end: string;
  };
  readonly connection: {
    readonly id: string;
    readonly action: string;
    readonly type: string;
    readonly time: string;
    readonly ip: string | null;
    readonly statusCode?: number;
    readonly reason?: string;
  };
  readonly appStatus: {
    readonly slug: string;
    readonly state: string;
    readonly message: string;
    readonly uri: string;
    readonly receivedAt: string;
  };
  readonly usage: {
    readonly collectedAt: string;
    readonly memory?: { readonly used: number; readonly total: number };
    readonly volumes: readonly { readonly volume: string; readonly used: number; readonly total: number }[];
  };
}

/** One line an agent sent. */
export interface LogLine {
  readonly sourceId: string;
  readonly level: string;
  readonly output: string;
  /** The agent's clock. */
  readonly reportedAt: string;
  /** The control plane's clock. */
  readonly createdAt: string;
}
/** A line with its place in the order of all lines. */
export interface StoredLogLine extends LogLine {
  readonly id: number;
}

/** One request that went through the network jail of a workspace. */
export interface BoundaryEntry {
  readonly decision: "allow" | "deny";
  readonly time: string;
  readonly method: string;
  readonly url: string;
  /** Host of `url`, for looking it up; empty when the URL has none. */
  readonly host: string;
  /** Only of allowed requests. */
  readonly matchedRule?: string;
  readonly sessionId: string;
  readonly sequenceNumber: number;
}
/** An entry with its place in the order of all entries. */
export interface StoredBoundaryEntry extends BoundaryEntry {
  readonly id: number;
}
/** Which entries are wanted; what is absent does not limit. */
export interface BoundaryFilter {
  readonly decision?: "allow" | "deny";
  /** The host, or a domain above it. */
  readonly host?: string;
  /** At or after. */
  readonly since?: string;
  /** Before. */
  readonly until?: string;
}
/** A part of a list that only grows. */
export interface Page {
  /** Only what comes after this id. Absent: the newest ones. */
  readonly after?: number;
  /** Most entries returned. */
  readonly limit: number;
}

/** Keeps what agents report. A call that returned has been written to the disk, if there is one. */
export interface Store extends Disposable {
  /** Replaces the value of `key`. */
  put<K extends keyof LatestKinds>(agentId: string, kind: K, key: string, value: LatestKinds[K]): void;
  /** The value of `key`. */
  latest<K extends keyof LatestKinds>(agentId: string, kind: K, key?: string): LatestKinds[K] | undefined;
  /** All values of a kind, by key. */
  latestByKey<K extends keyof LatestKinds>(agentId: string, kind: K): Readonly<Record<string, LatestKinds[K]>>;

  /**
   * Adds a value. With a `key` that is there already nothing happens: an agent repeats what it did not see acknowledged.
   *
   * @returns Whether the value was added.
   */
  append<K extends keyof EventKinds>(agentId: string, kind: K, value: EventKinds[K], key?: string): boolean;
  /** The newest `limit` values, oldest first. */
  events<K extends keyof EventKinds>(agentId: string, kind: K, limit: number): readonly EventKinds[K][];

  /** Adds lines, all or none. */
  addLogs(agentId: string, lines: readonly LogLine[]): void;
  /** Bytes of output kept for the agent. */
  logBytes(agentId: string): number;
  logs(agentId: string, page: Page): readonly StoredLogLine[];
  /** The newest lines of one source, oldest first. */
  lastLogs(agentId: string, sourceId: string, limit: number): readonly StoredLogLine[];
  /** Forgets every line of the agent, and that its room was used up. */
  clearLogs(agentId: string): void;

  /** Adds entries, all or none. */
  addBoundary(agentId: string, entries: readonly BoundaryEntry[]): void;
  boundary(agentId: string, filter: BoundaryFilter, page: Page): readonly StoredBoundaryEntry[];
}
