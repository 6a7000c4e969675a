/**
 * The store in SQLite, which Deno has built in.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { type Row, SqliteStatements } from "./sqlite_statements.ts";
import type {
  BoundaryEntry,
  BoundaryFilter,
  EventKinds,
  LatestKinds,
  LogLine,
  Page,
  Store,
  StoredBoundaryEntry,
  StoredLogLine,
} from "./store.ts";

/** Layout of the tables; a database with another one is refused. */
const SCHEMA_VERSION = 1;
/** Entries of each kind kept per agent; older ones go. A year of resource usage every ten seconds would fill a disk. */
const MAX_EVENTS = 10_000;
/** Boundary entries kept per agent. */
const MAX_BOUNDARY = 100_000;
/** Writes between two looks at a limit: looking costs a walk over an index. */
const PRUNE_EVERY = 256;
/** Time to wait for another process that writes, in milliseconds. */
const BUSY_MS = 5_000;

const SCHEMA = `
  CREATE TABLE latest (agent TEXT, kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (agent, kind, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE events (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, kind TEXT NOT NULL, key TEXT, body TEXT NOT NULL) STRICT;
  CREATE INDEX events_by_agent ON events (agent, kind, id);
  CREATE UNIQUE INDEX events_by_key ON events (agent, kind, key) WHERE key IS NOT NULL;
  CREATE TABLE logs (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, source TEXT NOT NULL, level TEXT NOT NULL, output TEXT NOT NULL,
    reported_at TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
  CREATE INDEX logs_by_agent ON logs (agent, id);
  CREATE TABLE log_bytes (agent TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE boundary (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, decision TEXT NOT NULL, time TEXT NOT NULL, method TEXT NOT NULL,
    url TEXT NOT NULL, host TEXT NOT NULL, rule TEXT, session TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT;
  CREATE INDEX boundary_by_agent ON boundary (agent, id);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens a store.
 *
 * @param path A file, which is made when it is missing; `:memory:` forgets everything at the end.
 * @throws {Error} When the file is no database of this program.
 */
export function openSqliteStore(path: string): Store {
  const db = new DatabaseSync(path);
  try {
    // Write-ahead, and synced at each commit: what was acknowledged survives a crash of the machine too.
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = ${BUSY_MS}`);
    const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else if (version !== SCHEMA_VERSION) {
      throw new Error(
        `Cannot use the database "${path}": its layout is ${version}, this program uses ${SCHEMA_VERSION}`,
      );
    }
    return new SqliteStore(new SqliteStatements(db));
  } catch (error) {
    db.close();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #statements: SqliteStatements;
  /** Writes since the start, by what is bounded. */
  readonly #writes = new Map<string, number>();

  constructor(statements: SqliteStatements) {
    this.#statements = statements;
  }

  put<K extends keyof LatestKinds>(agentId: string, kind: K, key: string, value: LatestKinds[K]): void {
    this.#statements.run(
      "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?)",
      agentId,
      kind,
      key,
      JSON.stringify(value),
    );
  }

  latest<K extends keyof LatestKinds>(agentId: string, kind: K, key = ""): LatestKinds[K] | undefined {
    const [row] = this.#statements.all(
      "SELECT body FROM latest WHERE agent = ? AND kind = ? AND key = ?",
      agentId,
      kind,
      key,
    );
    return row === undefined ? undefined : JSON.parse(String(row.body));
  }

  latestByKey<K extends keyof LatestKinds>(agentId: string, kind: K): Readonly<Record<string, LatestKinds[K]>> {
    const rows = this.#statements.all(
      "SELECT key, body FROM latest WHERE agent = ? AND kind = ? ORDER BY key",
      agentId,
      kind,
    );
    return Object.fromEntries(rows.map(({ key, body }) => [String(key), JSON.parse(String(body))]));
  }

  append<K extends keyof EventKinds>(agentId: string, kind: K, value: EventKinds[K], key?: string): boolean {
    const sql = "INSERT OR IGNORE INTO events (agent, kind, key, body) VALUES (?, ?, ?, ?)";
    const { changes } = this.#statements.run(sql, agentId, kind, key ?? null, JSON.stringify(value));
    this.#prune("events", "agent = ? AND kind = ?", MAX_EVENTS, agentId, kind);
    return changes > 0;
  }

  events<K extends keyof EventKinds>(agentId: string, kind: K, limit: number): readonly EventKinds[K][] {
    const sql = "SELECT body FROM events WHERE agent = ? AND kind = ? ORDER BY id DESC LIMIT ?";
    return this.#statements.all(sql, agentId, kind, limit).map(({ body }) => JSON.parse(String(body))).reverse();
  }

  addLogs(agentId: string, lines: readonly LogLine[]): void {
    const insert = "INSERT INTO logs (agent, source, level, output, reported_at, created_at) VALUES (?, ?, ?, ?, ?, ?)";
    const count = "INSERT INTO log_bytes VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes";
    this.#statements.together(() => {
      let bytes = 0;
      for (const { sourceId, level, output, reportedAt, createdAt } of lines) {
        bytes += new TextEncoder().encode(output).length;
        this.#statements.run(insert, agentId, sourceId, level, output, reportedAt, createdAt);
      }
      this.#statements.run(count, agentId, bytes);
    });
  }

  logBytes(agentId: string): number {
    return Number(this.#statements.all("SELECT bytes FROM log_bytes WHERE agent = ?", agentId)[0]?.bytes ?? 0);
  }

  logs(agentId: string, page: Page): readonly StoredLogLine[] {
    return this.#page("logs", ["agent = ?"], [agentId], page).map(logLine);
  }

  lastLogs(agentId: string, sourceId: string, limit: number): readonly StoredLogLine[] {
    return this.#page("logs", ["agent = ?", "source = ?"], [agentId, sourceId], { limit }).map(logLine);
  }

  clearLogs(agentId: string): void {
    this.#statements.together(() => {
      this.#statements.run("DELETE FROM logs WHERE agent = ?", agentId);
      this.#statements.run("DELETE FROM log_bytes WHERE agent = ?", agentId);
      this.#statements.run("DELETE FROM latest WHERE agent = ? AND kind = 'logLimit'", agentId);
    });
  }

  addBoundary(agentId: string, entries: readonly BoundaryEntry[]): void {
    const insert = "INSERT INTO boundary (agent, decision, time, method, url, host, rule, session, sequence) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    this.#statements.together(() => {
      for (const { decision, time, method, url, host, matchedRule, sessionId, sequenceNumber } of entries) {
        const rule = matchedRule ?? null;
        this.#statements.run(insert, agentId, decision, time, method, url, host, rule, sessionId, sequenceNumber);
      }
    });
    this.#prune("boundary", "agent = ?", MAX_BOUNDARY, agentId);
  }

  boundary(agentId: string, filter: BoundaryFilter, page: Page): readonly StoredBoundaryEntry[] {
    const { decision, host, since, until } = filter;
    const conditions: [string, readonly SQLInputValue[]][] = [["agent = ?", [agentId]]];
    if (decision !== undefined) conditions.push(["decision = ?", [decision]]);
    if (host !== undefined) {
      conditions.push(["(host = ? OR substr(host, -?) = ?)", [host, host.length + 1, `.${host}`]]);
    }
    if (since !== undefined) conditions.push(["time >= ?", [since]]);
    if (until !== undefined) conditions.push(["time < ?", [until]]);
    const rows = this.#page(
      "boundary",
      conditions.map(([sql]) => sql),
      conditions.flatMap(([, values]) => values),
      page,
    );
    return rows.map((row) => ({
      id: Number(row.id),
      decision: row.decision as "allow" | "deny",
      time: String(row.time),
      method: String(row.method),
      url: String(row.url),
      host: String(row.host),
      ...(row.rule === null ? {} : { matchedRule: String(row.rule) }),
      sessionId: String(row.session),
      sequenceNumber: Number(row.sequence),
    }));
  }

  [Symbol.dispose](): void {
    this.#statements[Symbol.dispose]();
  }

  /** Rows in order of their ids. Names of tables and conditions come from this file alone. */
  #page(table: string, conditions: readonly string[], values: readonly SQLInputValue[], { after, limit }: Page): Row[] {
    const where = (more: readonly string[]) => [...conditions, ...more].join(" AND ");
    if (after !== undefined) {
      return this.#statements.all(
        `SELECT * FROM ${table} WHERE ${where(["id > ?"])} ORDER BY id LIMIT ?`,
        ...values,
        after,
        limit,
      );
    }
    return this.#statements.all(`SELECT * FROM ${table} WHERE ${where([])} ORDER BY id DESC LIMIT ?`, ...values, limit)
      .reverse();
  }

  #prune(table: string, condition: string, max: number, ...values: readonly SQLInputValue[]): void {
    const bounded = [table, ...values].join(" ");
    const writes = (this.#writes.get(bounded) ?? 0) + 1;
    this.#writes.set(bounded, writes);
    if (writes % PRUNE_EVERY !== 0) return;
    const oldest = `SELECT id FROM ${table} WHERE ${condition} ORDER BY id DESC LIMIT 1 OFFSET ${max}`;
    this.#statements.run(`DELETE FROM ${table} WHERE ${condition} AND id <= (${oldest})`, ...values, ...values);
  }
}

function logLine(row: Row): StoredLogLine {
  return {
    id: Number(row.id),
    sourceId: String(row.source),
    level: String(row.level),
    output: String(row.output),
    reportedAt: String(row.reported_at),
    createdAt: String(row.created_at),
  };
}
