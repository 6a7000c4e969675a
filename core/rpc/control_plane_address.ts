/**
 * Which control plane an agent belongs to: its settings, then the reference agent's environment variables.
 *
 * @module
 */
import type { AgentSettings } from "../config/agent_settings.ts";
import type { Variables } from "../plugin.ts";
import { DialError } from "./dial_error.ts";
import { headersOfCommand } from "./header_command.ts";

/** An address and how to get at the token. */
export interface ControlPlaneAddress {
  readonly url: string;
  /** Further headers as they are now. @throws {DialError} When the command that makes some of them fails. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** The token as it is now. @throws {DialError} When there is none. */
  readonly token: () => Promise<string>;
}

/** The settings that say where it is and who we are. */
export type AddressSettings = Omit<AgentSettings["controlPlane"], "tunnel">;

/** `undefined` when no control plane is configured: the agent runs on its own. */
export function controlPlaneAddress(
  settings: AddressSettings,
  env: Variables,
): ControlPlaneAddress | undefined {
  const url = settings.url ?? env.CODER_AGENT_URL;
  if (!url) return undefined;
  return { url, headers: () => readHeaders(settings, url), token: () => readToken(settings, env) };
}

async function readHeaders({ headers, headerCommand }: AddressSettings, url: string): Promise<Record<string, string>> {
  return { ...headers, ...(headerCommand === undefined ? {} : await headersOfCommand(headerCommand, url)) };
}

async function readToken(settings: AddressSettings, env: Variables): Promise<string> {
  if (settings.token !== undefined) return settings.token.reveal();
  const token = settings.tokenFile !== undefined
    ? await readTokenFile(settings.tokenFile)
    : env.CODER_AGENT_TOKEN || (env.CODER_AGENT_TOKEN_FILE ? await readTokenFile(env.CODER_AGENT_TOKEN_FILE) : "");
  if (token === "") {
    throw new DialError(
      "Cannot connect to the control plane: no token; set agent.controlPlane.token or CODER_AGENT_TOKEN",
    );
  }
  return token;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new DialError(`Cannot read the token of the control plane from "${path}"`, undefined, { cause: error });
  }
}
