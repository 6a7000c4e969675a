/**
 * What the routes answer.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";

/** The workspace's key for git over SSH. */
export interface GitSshKey {
  /** A line of `authorized_keys`. */
  readonly public_key: string;
  /** PEM text. */
  readonly private_key: string;
}
/** Strict in what is needed; what a newer control plane adds is dropped. */
export const gitSshKey: z.ZodType<GitSshKey> = z.object({
  public_key: z.string().default("").describe("A line of authorized_keys."),
  private_key: z.string().min(1).describe("The private key as PEM text."),
}).meta({ id: "GitSshKey" });

/** Credentials for a git server, or where a person gets the workspace some. */
export interface ExternalAuth {
  /** Where a person signs in; empty when there are credentials. */
  readonly url: string;
  /** User name for git; where a token alone is enough, the token. */
  readonly username: string;
  /** Password for git; empty where a token alone is enough. */
  readonly password: string;
  /** The bare token, for other programs than git. */
  readonly access_token: string;
  /** Kind of the provider, such as `github`. */
  readonly type: string;
}
/** As above. */
export const externalAuth: z.ZodType<ExternalAuth> = z.object({
  url: z.string().default("").describe("Where a person signs in; empty when there are credentials."),
  username: z.string().default("").describe("User name for git; where a token alone is enough, the token."),
  password: z.string().default("").describe("Password for git; empty where a token alone is enough."),
  access_token: z.string().default("").describe("The bare token, for other programs than git."),
  type: z.string().default("").describe("Kind of the provider, such as github."),
}).meta({ id: "ExternalAuth" });

/** Query of the route for credentials. */
export const EXTERNAL_AUTH_QUERY = {
  match: { type: "text", summary: "Address of the git server, as the provider's rule matches it." },
  id: { type: "text", summary: "Id of the provider, in the place of an address." },
  listen: { type: "switch", summary: "Wait until a person has signed in." },
  chat_id: { type: "text", summary: "Chat that works with the repository." },
} as const;

const REFUSALS = {
  502: { summary: "The control plane refuses; its words are in the body." },
  503: { summary: "No control plane is configured, or it cannot be reached." },
} as const;

/** Every route of the control-plane plugin. */
export const controlplaneApi: readonly RouteDescription[] = [
  {
    operation: "controlplane.gitSshKey",
    method: "get",
    path: "/git-ssh-key",
    summary: "Fetches the workspace's key for git over SSH from the control plane.",
    answers: { 200: { summary: "The key pair.", schema: gitSshKey }, ...REFUSALS },
  },
  {
    operation: "controlplane.externalAuth",
    method: "get",
    path: "/external-auth",
    summary: "Fetches credentials for a git server from the control plane.",
    query: EXTERNAL_AUTH_QUERY,
    answers: {
      200: { summary: "Credentials, or where a person gets the workspace some.", schema: externalAuth },
      400: { summary: "Neither or both of match and id were given." },
      404: { summary: "The control plane knows no such provider." },
      ...REFUSALS,
    },
  },
];
