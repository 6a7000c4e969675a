/**
 * Refusals of the process table that its callers tell apart.
 *
 * @module
 */

/** A start was refused because the process limit is reached. Retry after one exits. */
export class ProcessLimitError extends Error {
  override readonly name = "ProcessLimitError";
  readonly code = "process_limit";

  constructor(readonly alive: number, readonly limit: number) {
    super(`Cannot start process: ${alive} are alive and the limit is ${limit}`);
  }
}

/** A token names a process that was started with other parameters. Use a new token for a new command. */
export class ClientTokenError extends Error {
  override readonly name = "ClientTokenError";
  readonly code = "agentproc_token_conflict";

  constructor(readonly token: string) {
    super("Client token was already used with other parameters");
  }
}

/** The table is closed, because the plugin stops. */
export class TableClosedError extends Error {
  override readonly name = "TableClosedError";

  constructor() {
    super("manager is closed");
  }
}
