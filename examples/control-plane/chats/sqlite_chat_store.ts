/**
 * Chats in SQLite: tables of their own in the control plane's database, over a connection of their own.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { type Row, SqliteStatements } from "../sqlite_statements.ts";
import type { Chat, ChatFilter, ChatMessage, ChatStore, StoredChatMessage } from "./chat_store.ts";

/** Layout of the tables; a database with another one is refused. */
const LAYOUT = 1;
/** Time to wait for another connection that writes, in milliseconds. */
const BUSY_MS = 5_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS chat_layout (version INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS chats (id TEXT PRIMARY KEY, parent TEXT, root TEXT, title TEXT NOT NULL, workspace TEXT, agent TEXT,
    model TEXT NOT NULL, mode TEXT NOT NULL, status TEXT NOT NULL, error TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    archived_at TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS chats_by_parent ON chats (parent);
  CREATE TABLE IF NOT EXISTS chat_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS chat_messages_by_chat ON chat_messages (chat, id);
  CREATE TABLE IF NOT EXISTS chat_queue (id INTEGER PRIMARY KEY, chat TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS chat_queue_by_chat ON chat_queue (chat, id);
`;

/**
 * Opens the chats of a database.
 *
 * @param path A file, which is made when it is missing; `:memory:` forgets everything at the end.
 * @throws {Error} When the chats in the file are of another program's layout.
 */
export function openSqliteChatStore(path: string): ChatStore {
  const db = new DatabaseSync(path);
  try {
    // Write-ahead, and synced at each commit: what was acknowledged survives a crash of the machine too.
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = ${BUSY_MS}`);
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    const row = db.prepare("SELECT version FROM chat_layout").get();
    if (row === undefined) db.prepare("INSERT INTO chat_layout VALUES (?)").run(LAYOUT);
    else if (row.version !== LAYOUT) {
      throw new Error(
        `Cannot use the chats in "${path}": their layout is ${row.version}, this program uses ${LAYOUT}`,
      );
    }
    return new SqliteChatStore(new SqliteStatements(db));
  } catch (error) {
    db.close();
    throw error;
  }
}

class SqliteChatStore implements ChatStore {
  readonly #statements: SqliteStatements;

  constructor(statements: SqliteStatements) {
    this.#statements = statements;
  }

  save(chat: Chat): void {
    this.#statements.run(
      "INSERT INTO chats VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title, " +
        "workspace = excluded.workspace, agent = excluded.agent, model = excluded.model, status = excluded.status, " +
        "error = excluded.error, updated_at = excluded.updated_at, archived_at = excluded.archived_at",
      ...[chat.id, chat.parentId ?? null, chat.rootId ?? null, chat.title, chat.workspace ?? null],
      ...[chat.agentId ?? null, chat.model, chat.mode, chat.status, chat.error ?? null, chat.createdAt],
      ...[chat.updatedAt, chat.archivedAt ?? null],
    );
  }

  chat(id: string): Chat | undefined {
    const [row] = this.#statements.all("SELECT * FROM chats WHERE id = ?", id);
    return row && chatOf(row);
  }

  chats({ parentId, isRoot, isArchived, limit = -1 }: ChatFilter = {}): readonly Chat[] {
    const conditions = ["TRUE"];
    const values: SQLInputValue[] = [];
    if (parentId !== undefined) conditions.push("parent = ?") && values.push(parentId);
    if (isRoot !== undefined) conditions.push(isRoot ? "parent IS NULL" : "parent IS NOT NULL");
    if (isArchived !== undefined) conditions.push(isArchived ? "archived_at IS NOT NULL" : "archived_at IS NULL");
    // What was made in the same millisecond comes in the order in which it was made.
    const sql = `SELECT * FROM chats WHERE ${conditions.join(" AND ")} ORDER BY created_at DESC, rowid DESC LIMIT ?`;
    return this.#statements.all(sql, ...values, limit).map(chatOf);
  }

  addMessage(chatId: string, message: ChatMessage): StoredChatMessage {
    const sql = "INSERT INTO chat_messages (chat, body) VALUES (?, ?)";
    return { ...message, id: this.#statements.run(sql, chatId, JSON.stringify(message)).lastId };
  }

  messages(chatId: string, after: number = 0): readonly StoredChatMessage[] {
    const rows = this.#statements.all(
      "SELECT id, body FROM chat_messages WHERE chat = ? AND id > ? ORDER BY id",
      chatId,
      after,
    );
    return rows.map(({ id, body }) => ({ ...JSON.parse(String(body)), id: Number(id) }));
  }

  queue(chatId: string, message: ChatMessage): void {
    this.#statements.run("INSERT INTO chat_queue (chat, body) VALUES (?, ?)", chatId, JSON.stringify(message));
  }

  queued(chatId: string): readonly ChatMessage[] {
    return this.#statements.all("SELECT body FROM chat_queue WHERE chat = ? ORDER BY id", chatId)
      .map(({ body }) => JSON.parse(String(body)));
  }

  takeQueued(chatId: string): number {
    return this.#statements.together(() => {
      const sql = "INSERT INTO chat_messages (chat, body) SELECT chat, body FROM chat_queue WHERE chat = ? ORDER BY id";
      const { changes } = this.#statements.run(sql, chatId);
      this.clearQueue(chatId);
      return changes;
    });
  }

  clearQueue(chatId: string): void {
    this.#statements.run("DELETE FROM chat_queue WHERE chat = ?", chatId);
  }

  [Symbol.dispose](): void {
    this.#statements[Symbol.dispose]();
  }
}

function chatOf(row: Row): Chat {
  const { id, parent, root, title, workspace, agent, model, mode, status, error, created_at, updated_at, archived_at } =
    row;
  return {
    id: String(id),
    ...(parent !== null && { parentId: String(parent) }),
    ...(root !== null && { rootId: String(root) }),
    title: String(title),
    ...(workspace !== null && { workspace: String(workspace) }),
    ...(agent !== null && { agentId: String(agent) }),
    model: String(model),
    mode: mode as Chat["mode"],
    status: status as Chat["status"],
    ...(error !== null && { error: String(error) }),
    createdAt: String(created_at),
    updatedAt: String(updated_at),
    ...(archived_at !== null && { archivedAt: String(archived_at) }),
  };
}
