/**
 * What a session's client says it is.
 *
 * @module
 */
import type { Variables } from "../../core/plugin.ts";

/** What a session's client said it is. */
export type ConnectionType = "ssh" | "vscode" | "jetbrains" | "unknown";

const TYPE_VARIABLE = "CODER_SSH_SESSION_TYPE";
const CONTAINER_VARIABLES = ["CODER_CONTAINER", "CODER_CONTAINER_USER"] as const;

/** The client's variables, sorted into what they are for. */
export interface ClientVariables {
  readonly type: ConnectionType;
  /** A value of the type that nobody knows; absent when it is known. */
  readonly unknownType?: string;
  /** The container the client wants to be in; absent or empty: none. */
  readonly container?: string;
  /** What is left: the command's variables. */
  readonly variables: Variables;
}

const TYPES: Readonly<Record<string, ConnectionType>> = {
  "": "ssh",
  "ssh": "ssh",
  "vscode": "vscode",
  "jetbrains": "jetbrains",
};

/** Takes the variables that speak to the agent out of what the client sent. The last one of a name counts. */
export function clientVariables(env: readonly (readonly [string, string])[]): ClientVariables {
  const { [TYPE_VARIABLE]: value = "", ...rest }: Record<string, string> = Object.fromEntries(env);
  const container = rest.CODER_CONTAINER;
  for (const name of CONTAINER_VARIABLES) delete rest[name];
  const known = Object.hasOwn(TYPES, value.toLowerCase()) ? TYPES[value.toLowerCase()] : undefined;
  return {
    type: known ?? "unknown",
    ...(known === undefined && { unknownType: value }),
    ...(container !== undefined && { container }),
    variables: rest,
  };
}
