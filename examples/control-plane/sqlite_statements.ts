/**
 * Statements of one SQLite database, each prepared once.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** One row of an answer. */
export type Row = ReturnType<StatementSync["all"]>[number];

/** Runs statements. Owns the database: disposing closes it. */
export class SqliteStatements implements Disposable {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  #isOpen = true;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Changes something. Tells how many rows that were, and the id of the last one that was added. */
  run(sql: string, ...values: readonly SQLInputValue[]): { readonly changes: number; readonly lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** Asks for rows. */
  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  /** Does all of `work`, or none of it. @throws What `work` throws. */
  together<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk, for one, has ended the transaction already, and the reason for that is what has to be told.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Twice is once. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#prepared.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) this.#prepared.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }
}
