import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";

import { SqliteStatements } from "./sqlite_statements.ts";

function openStatements(): { db: DatabaseSync; statements: SqliteStatements } {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT");
  return { db, statements: new SqliteStatements(db) };
}

const ADD = "INSERT INTO words (word) VALUES (?)";
const WORDS = "SELECT word FROM words ORDER BY id";

Deno.test("SqliteStatements changes and asks", () => {
  using statements = openStatements().statements;
  assertEquals(statements.run(ADD, "one"), { changes: 1, lastId: 1 });
  assertEquals(statements.run(ADD, "two"), { changes: 1, lastId: 2 });
  assertEquals(statements.all(WORDS).map(({ word }) => word), ["one", "two"]);
});

Deno.test("SqliteStatements.together does everything or nothing", () => {
  using statements = openStatements().statements;
  assertEquals(statements.together(() => statements.run(ADD, "kept").lastId), 1);
  assertThrows(
    () =>
      statements.together(() => {
        statements.run(ADD, "lost");
        throw new Error("No more");
      }),
    Error,
    "No more",
  );
  assertEquals(statements.all(WORDS).map(({ word }) => word), ["kept"]);
});

Deno.test("SqliteStatements.together tells that the disk is full, not that the transaction has ended by it", () => {
  const { db, statements } = openStatements();
  using _ = statements;
  db.exec("PRAGMA max_page_count = 4");
  const fill = () => {
    for (let index = 0; index < 100; index++) statements.run(ADD, "x".repeat(4_000));
  };
  assertThrows(() => statements.together(fill), Error, "full");
  // The next one can begin.
  statements.together(() => statements.run("DELETE FROM words"));
  assertEquals(statements.all(WORDS), []);
});

Deno.test("SqliteStatements is disposed twice without harm", () => {
  const { statements } = openStatements();
  statements[Symbol.dispose]();
  statements[Symbol.dispose]();
});
